import Foundation

/// Text by lines: findings do not go beyond a line's end, but for names and blocks of private keys.
struct PlainText: BlockRedactor {
  let redactor: Redactor

  func blockEnd(in bytes: UnsafeBufferPointer<UInt8>, least: Int) -> Int? {
    guard let base = bytes.baseAddress, least < bytes.count else { return nil }
    var end = least
    // What is open there began this far in front at most.
    var start = max(0, end - PrivateKeyDetector.longest - 64)
    while start > 0, bytes[start - 1] != UInt8(ascii: "\n") { start -= 1 }
    var line = start
    var keys = PrivateKeyDetector.Course()
    while end < bytes.count {
      guard let lineEnd = LineEnd.next(in: bytes, from: end) else { return nil }
      end = lineEnd + 1
      if !isOpen(Text(base: base + start, count: end - start), from: line - start, &keys) {
        return end
      }
      line = end
    }
    return nil
  }

  func redacted(_ block: UnsafeBufferPointer<UInt8>, hints: [TextScanner.Hint]) -> RedactedBlock {
    var result = RedactedBlock(output: [])
    result.output.reserveCapacity(block.count + block.count / 16)
    guard let base = block.baseAddress else { return result }
    var copied = 0
    var start = 0
    while start < block.count {
      var (line, end) = (start, start)
      var keys = PrivateKeyDetector.Course()
      repeat {
        line = end
        end = LineEnd.next(in: block, from: end).map { $0 + 1 } ?? block.count
      } while end < block.count
        && isOpen(Text(base: base + start, count: end - start), from: line - start, &keys)
      let unit = UnsafeBufferPointer(rebasing: block[start..<end])
      if let redacted = redactor.redacted(unit, TextScanner.Hint(), &result.counts) {
        result.output += block[copied..<start]
        result.output += redacted
        copied = end
      }
      start = end
    }
    result.output += block[copied...]
    return result
  }

  /// Whether what ends with a line goes on in the next.
  ///
  /// - Parameters:
  ///   - text: Up to the line's end.
  ///   - start: Where the line begins.
  ///   - keys: Has seen the lines before it.
  private func isOpen(
    _ text: Text, from start: Int, _ keys: inout PrivateKeyDetector.Course
  ) -> Bool {
    redactor.classes.contains(.privateKey) && keys.isOpen(atEndOf: text, from: start)
      || redactor.classes.contains(.name) && redactor.names.mayContinue(after: text)
  }
}

/// Where lines end.
enum LineEnd {
  /// The next line feed.
  static func next(in bytes: UnsafeBufferPointer<UInt8>, from start: Int) -> Int? {
    guard let base = bytes.baseAddress, start < bytes.count,
      let found = memchr(base + start, 0x0A, bytes.count - start)
    else { return nil }
    return UnsafeRawPointer(found) - UnsafeRawPointer(base)
  }
}
