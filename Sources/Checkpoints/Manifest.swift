import Crypto
import LockstepFiles

/// What a complete checkpoint consists of: `manifest.json`, written after everything else.
public struct Manifest: Codable, Equatable, Sendable {
  /// One file beside the manifest.
  public struct File: Codable, Equatable, Sendable {
    /// A plain name, without directories.
    public let name: String
    /// Length in bytes.
    public let bytes: Int
    /// SHA-256 of the whole in lower-case hexadecimal, as `sha256sum` prints it: of the parameters' file, of
    /// files of less than 1 MiB, and in manifests of version 1 of all files.
    public let sha256: String?
    /// The hashes of larger files' chunks in their order: for each 4 MiB the SHA-256, in lower-case
    /// hexadecimal, of the SHA-256 of its pieces of 64 KiB.
    public let chunks: [String]?

    /// - Parameters:
    ///   - pieceHashes: Those of all pieces of the file.
    ///   - sha256: Of the whole; a file that is cut into chunks can do without.
    init(name: String, bytes: Int, pieceHashes: [UInt8], sha256: String?) {
      let isCut = bytes >= HashTree.leastByteCount
      precondition(isCut || sha256 != nil, "a file of one hash has none")
      self.name = name
      self.bytes = bytes
      self.sha256 = sha256
      chunks = isCut ? HashTree.chunkHashes(pieceHashes) : nil
    }

    /// What a manifest says of a file with this content.
    ///
    /// - Parameter hashesWhole: Whether it says the hash of the whole, too, of a file cut into chunks. Default:
    ///   false.
    package init(name: String, content: UnsafeRawBufferPointer, hashesWhole: Bool = false) {
      var pieceHashes: [UInt8] = []
      for start in stride(from: 0, to: content.count, by: HashTree.portionByteCount) {
        let end = min(start + HashTree.portionByteCount, content.count)
        HashTree.appendPieceHashes(
          of: UnsafeRawBufferPointer(rebasing: content[start..<end]), to: &pieceHashes)
      }
      let isWhole = hashesWhole || content.count < HashTree.leastByteCount
      self.init(
        name: name, bytes: content.count, pieceHashes: pieceHashes,
        sha256: isWhole ? SHA256.hash(bytes: content).hexadecimal : nil)
    }

    /// What a manifest says of a file with this content.
    package init(name: String, content: [UInt8], hashesWhole: Bool = false) {
      self = content.withUnsafeBytes { Self(name: name, content: $0, hashesWhole: hashesWhole) }
    }
  }

  /// The newest format that this Lockstep writes and reads.
  public static let currentVersion = 2
  package static let fileName = "manifest.json"

  /// Format version, from 1.
  public let version: Int
  /// Optimiser steps taken when the checkpoint was made.
  public let step: Int
  /// As `parametersSHA256(of:)` gives it for the parameters.
  public let parametersSHA256: String
  /// All files but the manifest itself, in the order of writing.
  public let files: [File]
  /// SHA-256 of all other members, so that none can change alone; nil in version 1.
  public let seal: String?

  enum CodingKeys: String, CodingKey {
    case version, step, files, seal
    case parametersSHA256 = "parameters_sha256"
  }

  /// A manifest of the newest format, sealed.
  init(step: Int, parametersSHA256: String, files: [File]) {
    version = Self.currentVersion
    self.step = step
    self.parametersSHA256 = parametersSHA256
    self.files = files
    seal = Self.seal(
      version: version, step: step, parametersSHA256: parametersSHA256, files: files)
  }

  /// The SHA-256 of a line for each member: `version 2`, `step 250`, `parameters_sha256 …`, and for each
  /// file `file BYTES NAME` and its hashes, a line each, that of the whole last.
  private static func seal(
    version: Int, step: Int, parametersSHA256: String, files: [File]
  ) -> String {
    var lines = ["version \(version)", "step \(step)", "parameters_sha256 \(parametersSHA256)"]
    for file in files {
      lines.append("file \(file.bytes) \(file.name)")
      lines += file.chunks ?? []
      lines += file.sha256.map { [$0] } ?? []
    }
    return sha256(of: Array(lines.map { $0 + "\n" }.joined().utf8))
  }

  /// What the seal must be.
  package var fittingSeal: String {
    Self.seal(version: version, step: step, parametersSHA256: parametersSHA256, files: files)
  }

  /// Reads and checks a manifest.
  ///
  /// - Throws: `CheckpointError.fileSystem` where there is none, `.malformed` or
  ///   `.unsupportedVersion`.
  static func load(from path: String) throws(CheckpointError) -> Manifest {
    let bytes = try MappedFile.opened(path).withBytes { Array($0) }
    // The version first: a later format may well differ in all else.
    let version = try JSON.decode(Version.self, from: bytes, path: path).version
    guard version >= 1 else {
      throw .malformed(path: path, problem: "key 'version': is \(version), versions count from 1")
    }
    guard version <= currentVersion else {
      throw .unsupportedVersion(path: path, found: version, supported: currentVersion)
    }
    let manifest = try JSON.decode(Manifest.self, from: bytes, path: path)
    if let problem = manifest.problem { throw .malformed(path: path, problem: problem) }
    return manifest
  }

  /// Whether no member can have changed alone: manifests are from version 2 on, and one that was read has been
  /// checked.
  var isSealed: Bool { version >= 2 }

  /// Whether a file has a hash for each of its chunks, and not one for the whole of it.
  func isCut(_ file: File) -> Bool { version >= 2 && file.bytes >= HashTree.leastByteCount }

  /// What no manifest of its version has, or nil.
  private var problem: String? {
    if isSealed, seal != fittingSeal {
      return "was changed after it was written: its seal is not that of its members"
    }
    return files.lazy.compactMap { file in
      guard !file.name.isEmpty, !file.name.utf8.contains(UInt8(ascii: "/")), file.name != ".."
      else {
        return "'\(file.name)' is not a plain file name"
      }
      guard file.bytes >= 0 else { return "'\(file.name)' has \(file.bytes) bytes" }
      let isCut = isCut(file)
      guard isCut || file.chunks == nil else {
        return "'\(file.name)' has hashes of chunks, and its length needs one of the whole"
      }
      let (expected, found) =
        isCut
        ? (HashTree.chunkCount(ofBytes: file.bytes), file.chunks?.count ?? 0)
        : (1, file.sha256 == nil ? 0 : 1)
      return found == expected
        ? nil : "'\(file.name)' has \(found) hashes, its length needs \(expected)"
    }.first
  }

  private struct Version: Decodable {
    let version: Int
  }
}
