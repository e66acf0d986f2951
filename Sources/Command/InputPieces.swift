import Foundation
import LockstepDatasets
import LockstepFiles
import LockstepSettings

/// Reads a file or standard input as it comes: whatever is there at once, so that a program or person at
/// the other end need not write more to be answered. What gzip compressed is read whole and unpacked.
struct InputPieces {
  /// What errors call it.
  let name: String
  /// Bytes that have been read.
  private(set) var readCount = 0
  /// Bytes of the whole file; nil of a pipe.
  let byteCount: Int?
  private let file: FileHandle
  private var isAtBeginning = true
  private var hasEnded = false
  /// Bytes read at a time.
  private static let pieceSize = 1 << 16

  /// - Parameter path: Nil is standard input.
  init(path: String?) throws {
    name = path ?? "standard input"
    guard let path else {
      file = .standardInput
      byteCount = Self.size(of: STDIN_FILENO)
      return
    }
    if FileSystem.isDirectory(path) {
      throw InputError.unreadable(FileError(operation: "read", path: path, code: EISDIR))
    }
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw InputError.unreadable(.last("open", path)) }
    file = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
    byteCount = Self.size(of: descriptor)
  }

  private static func size(of descriptor: Int32) -> Int? {
    var status = stat()
    guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return nil }
    return Int(status.st_size)
  }

  /// What is there; nothing at the end. Waits where there is nothing yet.
  mutating func next() throws -> [UInt8] {
    guard !hasEnded else { return [] }
    let piece = try isAtBeginning ? beginning() : read()
    readCount += piece.count
    if isAtBeginning {
      isAtBeginning = false
      if piece.starts(with: GzipFile.magic) {
        hasEnded = true
        return try GzipFile.contents(of: piece + rest(), path: name)
      }
      if piece.withUnsafeBytes({ EncryptedFiles.isEncrypted($0) }) {
        hasEnded = true
        return try decrypted(piece + rest())
      }
    }
    hasEnded = piece.isEmpty
    return piece
  }

  /// All that is left to read.
  mutating func all() throws -> [UInt8] { try next() + (hasEnded ? [] : rest()) }

  private func decrypted(_ stored: [UInt8]) throws -> [UInt8] {
    try stored.withUnsafeBytes { bytes in
      // Nothing keeps the bytes beyond this closure.
      let content = try EncryptedFiles.open(MappedFile(viewing: bytes, owner: 0), path: name)
      var output = [UInt8](repeating: 0, count: content.count)
      try output.lentForFilling { (output) throws(FileError) in
        try content.read(0..<content.count, into: output)
      }
      return output
    }
  }

  /// The first piece: as much as tells what it is, though bytes may come one by one.
  private func beginning() throws(InputError) -> [UInt8] {
    var piece = try read()
    while !piece.isEmpty,
      [GzipFile.magic, EncryptedFiles.magic].contains(where: {
        piece.count < $0.count && $0.starts(with: piece)
      })
    {
      let more = try read()
      if more.isEmpty { break }
      piece += more
    }
    return piece
  }

  private func rest() throws -> [UInt8] {
    var bytes: [UInt8] = []
    while true {
      let piece = try read()
      if piece.isEmpty { return bytes }
      bytes += piece
    }
  }

  private func read() throws(InputError) -> [UInt8] {
    var piece = [UInt8](repeating: 0, count: Self.pieceSize)
    while true {
      let count = Foundation.read(file.fileDescriptor, &piece, piece.count)
      if count >= 0 { return Array(piece[..<count]) }
      guard errno == EINTR else { throw .unreadable(.last("read", name)) }
    }
  }
}

/// Why input can not be read.
enum InputError: UserInputError {
  case unreadable(FileError)
  case otherEncoding(path: String, reason: String)

  var description: String {
    switch self {
    case .otherEncoding(let path, let reason): "\(path): \(reason)"
    case .unreadable(let error): error.description
    }
  }
}
