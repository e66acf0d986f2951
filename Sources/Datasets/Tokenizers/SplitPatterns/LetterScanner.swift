/// Cuts text as Llama 3 and Qwen 2 do, whose patterns are those of tiktoken's `cl100k_base`:
///
///     (?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*
///     |\s*[\r\n]+|\s+(?!\S)|\s+
///
/// Letters take any one scalar before them that is no number and no end of a line; ends of lines belong to
/// the punctuation or the white space before them. Qwen 2 has `\p{N}` in place of `\p{N}{1,3}`.
///
/// A text may be cut before a space that follows a printing ASCII character, and the words stay the same;
/// not before a line feed.
package struct LetterScanner: WordCutter {
  private let text: ClassifiedText
  private let mostDigits: Int

  /// - Parameters:
  ///   - text: UTF-8, or any bytes; must outlive the scanner.
  ///   - classes: The table of ``ScalarClasses``; must outlive the scanner.
  ///   - mostDigits: Numbers that make a word, from the left.
  package init(
    text: UnsafeBufferPointer<UInt8>, classes: UnsafeBufferPointer<ScalarClass>, mostDigits: Int
  ) {
    self.text = ClassifiedText(text, classes: classes)
    self.mostDigits = mostDigits
  }

  @inline(__always)
  package func endOfWord(from start: Int) -> Int {
    let first = text.bytes[start]
    if first == UInt8(ascii: "'") {
      let length = text.anyCaseContractionLength(at: start)
      if length > 0 { return start + length }
    }
    let (scalarClass, length) = text.scalar(at: start)
    switch scalarClass {
    case .letter: return text.endOfRun(of: .letter, from: start + length)
    case .number: return endOfDigits(from: start)
    case .other, .whitespace: break
    }
    let next = start + length
    let follower = next < text.count ? text.scalar(at: next).0 : .number
    if follower == .letter && !Self.isEndOfLine(first) {
      return text.endOfRun(of: .letter, from: next)
    }
    if scalarClass == .other || (first == UInt8(ascii: " ") && follower == .other) {
      return endOfLines(from: text.endOfRun(of: .other, from: next))
    }
    return endOfWhitespace(from: start)
  }

  private func endOfDigits(from start: Int) -> Int {
    var position = start
    for _ in 0..<mostDigits where position < text.count {
      let (scalarClass, length) = text.scalar(at: position)
      if scalarClass != .number { break }
      position += length
    }
    return position
  }

  /// `\s*[\r\n]+|\s+(?!\S)|\s+`: up to the last end of a line of the run, else as GPT-2's pattern does.
  private func endOfWhitespace(from start: Int) -> Int {
    let (end, last) = text.whitespaceRun(from: start)
    var position = end
    while position > start {
      if Self.isEndOfLine(text.bytes[position - 1]) { return position }
      position -= 1
    }
    return end == text.count || last == start ? end : last
  }

  private func endOfLines(from start: Int) -> Int {
    var position = start
    while position < text.count, Self.isEndOfLine(text.bytes[position]) { position += 1 }
    return position
  }

  /// Bytes beyond ASCII are none, so the bytes of a text may be asked one by one.
  private static func isEndOfLine(_ byte: UInt8) -> Bool {
    byte == UInt8(ascii: "\n") || byte == UInt8(ascii: "\r")
  }
}
