/// Cuts text into the words within which byte-pair encoding merges.
///
/// The words are the successive matches of GPT-2's pattern
///
///     's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+
///
/// which cover every text without gaps. A word holds white space only as its first space, unless it
/// is white space throughout. So a text may be cut into pieces before any white space that follows
/// something else, and the words stay the same.
///
/// Source: `encoder.py` in OpenAI's GPT-2 release.
package struct WordScanner: WordCutter {
  private let text: ClassifiedText

  /// - Parameters:
  ///   - text: UTF-8, or any bytes; must outlive the scanner.
  ///   - classes: The table of ``ScalarClasses``; must outlive the scanner.
  package init(text: UnsafeBufferPointer<UInt8>, classes: UnsafeBufferPointer<ScalarClass>) {
    self.text = ClassifiedText(text, classes: classes)
  }

  @inline(__always)
  package func endOfWord(from start: Int) -> Int {
    let first = text.bytes[start]
    if first == UInt8(ascii: "'") {
      let length = text.contractionLength(at: start)
      if length > 0 { return start + length }
    }
    var position = start
    if first == UInt8(ascii: " ") {
      position += 1
      if position == text.count { return position }
    }
    let (scalarClass, length) = text.scalar(at: position)
    if scalarClass != .whitespace {
      return text.endOfRun(of: scalarClass, from: position + length)
    }
    return endOfWhitespace(from: start)
  }

  /// `\s+(?!\S)|\s+`: a run of white space leaves its last scalar to the word that follows it, if
  /// one follows and the run has another.
  private func endOfWhitespace(from start: Int) -> Int {
    let (end, last) = text.whitespaceRun(from: start)
    return end == text.count || last == start ? end : last
  }
}
