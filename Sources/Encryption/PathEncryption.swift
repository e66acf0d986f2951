import Foundation
import LockstepFiles
import LockstepKeys
import LockstepSettings

/// Encrypts or decrypts a file, or all files of a directory, into another place.
package struct PathEncryption {
  package enum Direction: String, Sendable {
    case encrypt
    case decrypt
  }

  /// What was done.
  package struct Outcome: Sendable, Encodable, Equatable {
    package var files = 0
    /// Of the input, and of the output.
    package var bytesRead = 0
    package var bytesWritten = 0
  }

  private let key: SecretKey
  private let direction: Direction
  private let staysPlain: (String) -> Bool
  private let verify: (String) throws -> Void
  private let complete: (String) throws -> Void

  /// - Parameters:
  ///   - staysPlain: Whether the file at a path is copied as it is, in either direction: it tells of the
  ///     others. Default: none is.
  ///   - verify: Called with the path of each such file of a directory before anything is written; throws where
  ///     what it tells is not so.
  ///   - complete: Called with the path of each such copy when all files are there.
  package init(
    _ direction: Direction, key: SecretKey, staysPlain: @escaping (String) -> Bool = { _ in false },
    verify: @escaping (String) throws -> Void = { _ in },
    complete: @escaping (String) throws -> Void = { _ in }
  ) {
    self.direction = direction
    self.key = key
    self.staysPlain = staysPlain
    self.verify = verify
    self.complete = complete
  }

  /// Reads a file or directory and writes its like.
  ///
  /// - Parameters:
  ///   - output: Where nothing is yet. A directory appears under its name, behind which slashes may stand, when all of
  ///     it is there.
  /// - Throws: `PathEncryptionError`, `FileError`, and what `verify` throws.
  package func run(_ input: String, to output: String) throws -> Outcome {
    guard try !FileSystem.exists(output) else { throw PathEncryptionError.exists(path: output) }
    guard FileSystem.isDirectory(input) else {
      var outcome = Outcome()
      try convert(input, to: output, &outcome)
      return outcome
    }
    var output = output
    while output.count > 1, output.hasSuffix("/") { output.removeLast() }
    // A directory can not take the place of a link that leads to nothing.
    guard try !FileSystem.exists(output, followsLinks: false) else {
      throw PathEncryptionError.exists(path: output)
    }
    guard !Self.isInside(output, input) else {
      throw PathEncryptionError.inside(input: input, output: output)
    }
    let paths = try Self.files(in: input)
    guard try !Self.isRun(input) else { throw PathEncryptionError.isRun(path: input) }
    // Told before anything is written.
    for path in paths {
      try require(try MappedFile(storedAt: input + "/" + path), input + "/" + path)
    }
    for path in paths where staysPlain(input + "/" + path) { try verify(input + "/" + path) }
    // In containers processes have the same numbers: what a killed one left is not to be taken over.
    let temporary = output + ".\(String(UInt64.random(in: 0 ... .max), radix: 16)).writing"
    var outcome = Outcome()
    do {
      try FileSystem.makeDirectory(temporary)
      for path in paths {
        let target = temporary + "/" + path
        try FileSystem.makeDirectory(FileSystem.parent(of: target))
        try convert(input + "/" + path, to: target, &outcome)
      }
      for path in paths where staysPlain(input + "/" + path) {
        try complete(temporary + "/" + path)
      }
      try FileSystem.rename(temporary, to: output)
      try FileSystem.synchronize(directory: FileSystem.parent(of: output))
    } catch {
      try? FileSystem.remove(temporary)
      throw error
    }
    return outcome
  }

  /// - Throws: Where the file is not what this direction takes.
  private func require(_ stored: MappedFile, _ path: String) throws {
    if staysPlain(path) { return }
    let isEncrypted = stored.withBytes { EncryptedFiles.isEncrypted($0) }
    switch direction {
    case .encrypt where isEncrypted: throw PathEncryptionError.isEncrypted(path: path)
    case .decrypt where !isEncrypted: throw PathEncryptionError.isPlain(path: path)
    default: return
    }
  }

  private func convert(_ input: String, to output: String, _ outcome: inout Outcome) throws {
    let stored = try MappedFile(storedAt: input)
    try require(stored, input)
    let file = try AtomicFile(path: output, bytesNeeded: stored.count)
    // Pieces of whole chunks.
    let step = 64 * EncryptionHeader.chunkByteCount
    switch direction {
    case _ where staysPlain(input):
      try stored.withBytes { try file.write($0) }
      outcome.bytesWritten += stored.count
    case .encrypt:
      var encryption = FileEncryption(key: key, contentByteCount: stored.count)
      for start in stride(from: 0, to: stored.count, by: step) {
        let piece = start..<min(start + step, stored.count)
        let bytes = stored.withBytes {
          encryption.append(UnsafeRawBufferPointer(rebasing: $0[piece]))
        }
        try file.write(bytes)
        outcome.bytesWritten += bytes.count
        stored.release(piece)
      }
      let rest = encryption.finish()
      try file.write(rest)
      outcome.bytesWritten += rest.count
    case .decrypt:
      let reader = try EncryptedFileReader(stored, key: key, path: input)
      var buffer = [UInt8](repeating: 0, count: min(step, max(1, reader.count)))
      // An empty content is authenticated, too.
      for start in stride(from: 0, to: max(1, reader.count), by: step) {
        let piece = start..<min(start + step, reader.count)
        try buffer.lentForFilling { (bytes) throws(FileError) in
          try reader.read(piece, into: bytes)
          try file.write(UnsafeRawBufferPointer(rebasing: bytes[..<piece.count]))
        }
      }
      outcome.bytesWritten += reader.count
    }
    try file.commit()
    outcome.files += 1
    outcome.bytesRead += stored.count
  }

  /// Files of a directory at any depth, in the order of their paths. Links are followed to files only.
  private static func files(in directory: String, below path: String = "") throws -> [String] {
    try FileSystem.names(in: directory + "/" + path).flatMap { name -> [String] in
      let child = path.isEmpty ? name : path + "/" + name
      let place = directory + "/" + child
      guard FileSystem.isDirectory(place) else { return [child] }
      var status = stat()
      guard lstat(place, &status) == 0, status.st_mode & S_IFMT != S_IFLNK else {
        throw PathEncryptionError.linkedDirectory(path: place)
      }
      return try files(in: directory, below: child)
    }
  }

  /// Whether a directory is a run, whose files are read and appended to as they are.
  private static func isRun(_ path: String) throws(FileError) -> Bool {
    guard FileSystem.isDirectory(path + "/checkpoints") else { return false }
    return try FileSystem.exists(path + "/config.yaml")
  }

  /// Whether what is made at a path would lie in a directory, at any depth.
  private static func isInside(_ path: String, _ directory: String) -> Bool {
    var place = FileSystem.parent(of: path)
    // Directories that are yet to be made lie in the first that is there.
    while !FileSystem.isDirectory(place), FileSystem.parent(of: place) != place {
      place = FileSystem.parent(of: place)
    }
    // The words of a path do not say what is above "." or "..".
    while !FileSystem.areSame(place, directory) {
      let above = place + "/.."
      guard FileSystem.isDirectory(above), !FileSystem.areSame(above, place) else { return false }
      place = above
    }
    return true
  }
}

/// What can be wrong with what was asked to be encrypted or decrypted.
package enum PathEncryptionError: UserInputError, Equatable {
  /// There is something at the output's name.
  case exists(path: String)
  /// The output is in the directory that is read.
  case inside(input: String, output: String)
  /// The file that is to be encrypted is so already.
  case isEncrypted(path: String)
  /// The file that is to be decrypted is not encrypted.
  case isPlain(path: String)
  /// The directory is a run.
  case isRun(path: String)
  /// A link to a directory.
  case linkedDirectory(path: String)

  package var description: String {
    switch self {
    case .exists(let path): "\(path): is there already; choose another --output"
    case .inside(let input, let output):
      "\(output): is inside of \(input), which is read; choose another --output"
    case .isEncrypted(let path): "\(path): is encrypted already; 'lockstep decrypt' decrypts it"
    case .isPlain(let path): "\(path): is not encrypted; 'lockstep encrypt' encrypts"
    case .isRun(let path):
      "\(path): is a run, whose configuration and records stay plain; name one of its checkpoints, as "
        + "\(path)/checkpoints/step-…; checkpoint.encrypt: true makes a run write encrypted ones"
    case .linkedDirectory(let path):
      "\(path): is a link to a directory; copy what it leads to, or encrypt that by itself"
    }
  }
}
