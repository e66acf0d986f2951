/// What a complete checkpoint consists of: `manifest.json`, written after everything else.
public struct Manifest: Codable, Equatable, Sendable {
  /// One file beside the manifest.
  public struct File: Codable, Equatable, Sendable {
    /// A plain name, without directories.
    public let name: String
    /// Length in bytes.
    public let bytes: Int
    /// SHA-256 in lower-case hexadecimal.
    public let sha256: String

    init(name: String, digest: FileDigest) {
      self.name = name
      bytes = digest.byteCount
      sha256 = digest.sha256
    }
  }

  /// The newest format that this Lockstep writes and reads.
  public static let currentVersion = 1
  package static let fileName = "manifest.json"

  /// Format version, from 1.
  public let version: Int
  /// Optimiser steps taken when the checkpoint was made.
  public let step: Int
  /// As `parametersSHA256(of:)` gives it for the parameters.
  public let parametersSHA256: String
  /// All files but the manifest itself, in the order of writing.
  public let files: [File]

  enum CodingKeys: String, CodingKey {
    case version, step, files
    case parametersSHA256 = "parameters_sha256"
  }

  /// Reads and checks a manifest.
  ///
  /// - Throws: `CheckpointError.fileSystem` where there is none, `.malformed` or
  ///   `.unsupportedVersion`.
  static func load(from path: String) throws(CheckpointError) -> Manifest {
    // The version first: a later format may well differ in all else.
    let version = try JSON.decode(Version.self, path: path).version
    guard version >= 1 else {
      throw .malformed(path: path, problem: "key 'version': is \(version), versions count from 1")
    }
    guard version <= currentVersion else {
      throw .unsupportedVersion(path: path, found: version, supported: currentVersion)
    }
    let manifest = try JSON.decode(Manifest.self, path: path)
    for file in manifest.files {
      guard !file.name.isEmpty, !file.name.contains("/"), file.name != ".." else {
        throw .malformed(
          path: path, problem: "'\(file.name)' is not a plain file name")
      }
    }
    return manifest
  }

  private struct Version: Decodable {
    let version: Int
  }
}
