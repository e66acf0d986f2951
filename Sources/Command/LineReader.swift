import LockstepFiles

/// Reads lines as they come: whatever is there at once, so that a program or person at the other end
/// need not write more to be answered. A byte order mark in front is no part of the first line.
struct LineReader {
  private var pieces: InputPieces
  private var isAtBeginning = true
  private var pending: [UInt8] = []
  private var hasEnded = false
  /// Bytes of all lines before those that were handed out last, and of these.
  private var (before, latest) = (0, 0)

  /// Bytes of the whole file; nil of a pipe.
  var byteCount: Int? { pieces.byteCount }

  /// Bytes that are done when so much of the lines handed out last is.
  func byteCount(at share: Double) -> Int { before + Int(Double(latest) * share) }

  /// - Parameter path: Nil is standard input.
  init(path: String?) throws {
    pieces = try InputPieces(path: path)
  }

  /// The next lines, at least one, without their ends; nil where there are no more. A last line need
  /// not have an end.
  ///
  /// - Throws: `InputError.otherEncoding` where a byte order mark tells of another encoding than
  ///   UTF-8.
  mutating func next() throws -> [[UInt8]]? {
    guard var lines = try nextLines() else { return nil }
    before += latest
    latest = lines.reduce(0) { $0 + $1.count + 1 }
    if isAtBeginning {
      isAtBeginning = false
      do throws(ByteOrderMark.NotUTF8) {
        lines[0].removeFirst(try ByteOrderMark.length(in: lines[0]))
      } catch {
        throw InputError.otherEncoding(path: pieces.name, reason: "\(error)")
      }
    }
    return lines
  }

  private mutating func nextLines() throws -> [[UInt8]]? {
    let newline = UInt8(ascii: "\n")
    while !hasEnded {
      let piece = try pieces.next()
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
}
