import Foundation
import LockstepFiles
import LockstepSettings

/// Reads lines as they come: whatever is there at once, so that a program or person at the other end
/// need not write more to be answered. A byte order mark in front is no part of the first line.
struct LineReader {
  private let file: FileHandle
  /// What errors call it.
  private let name: String
  private var isAtBeginning = true
  private var pending: [UInt8] = []
  private var hasEnded = false
  /// Bytes read at a time.
  private static let pieceSize = 1 << 16

  /// - Parameter path: Nil is standard input.
  init(path: String?) throws {
    name = path ?? "standard input"
    guard let path else {
      file = .standardInput
      return
    }
    if FileSystem.isDirectory(path) {
      throw LineReaderError.unreadable(FileError(operation: "read", path: path, code: EISDIR))
    }
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw LineReaderError.unreadable(.last("open", path)) }
    file = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
  }

  /// The next lines, at least one, without their ends; nil where there are no more. A last line need
  /// not have an end.
  ///
  /// - Throws: `LineReaderError.otherEncoding` where a byte order mark tells of another encoding than
  ///   UTF-8.
  mutating func next() throws -> [[UInt8]]? {
    guard var lines = try nextLines() else { return nil }
    if isAtBeginning {
      isAtBeginning = false
      do throws(ByteOrderMark.ForeignEncoding) {
        lines[0].removeFirst(try ByteOrderMark.length(in: lines[0]))
      } catch {
        throw LineReaderError.otherEncoding(path: name, reason: "\(error)")
      }
    }
    return lines
  }

  private mutating func nextLines() throws -> [[UInt8]]? {
    let newline = UInt8(ascii: "\n")
    while !hasEnded {
      let piece = try piece()
      hasEnded = piece.isEmpty
      pending += piece
      guard let end = pending.lastIndex(of: newline) else { continue }
      let lines = pending[..<end].split(separator: newline, omittingEmptySubsequences: false)
      pending = Array(pending[(end + 1)...])
      return lines.map(Array.init)
    }
    defer { pending = [] }
    return pending.isEmpty ? nil : [pending]
  }

  /// What is there; nothing at the end. Waits where there is nothing yet.
  private func piece() throws(LineReaderError) -> [UInt8] {
    var piece = [UInt8](repeating: 0, count: Self.pieceSize)
    while true {
      let count = read(file.fileDescriptor, &piece, piece.count)
      if count >= 0 { return Array(piece[..<count]) }
      guard errno == EINTR else { throw .unreadable(.last("read", name)) }
    }
  }
}

/// Why lines can not be read.
enum LineReaderError: UserInputError {
  case unreadable(FileError)
  case otherEncoding(path: String, reason: String)

  var description: String {
    switch self {
    case .otherEncoding(let path, let reason): "\(path): \(reason)"
    case .unreadable(let error): error.description
    }
  }
}
