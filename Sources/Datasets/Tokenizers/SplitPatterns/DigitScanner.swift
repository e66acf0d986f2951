/// Cuts text as SmolLM2 and StarCoder do: each scalar of `\p{N}` is a word, and what stands between two of
/// them is cut by GPT-2's pattern (``WordScanner``) as if it were a text of its own.
///
/// So a run of white space before a number leaves nothing to it.
package struct DigitScanner: WordCutter {
  private let text: ClassifiedText

  /// As of ``WordScanner``.
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
    var (scalarClass, length) = text.scalar(at: start)
    if scalarClass == .number { return start + length }
    if first == UInt8(ascii: " "), start + 1 < text.count {
      position = start + 1
      (scalarClass, length) = text.scalar(at: position)
    }
    if scalarClass == .letter || scalarClass == .other {
      return text.endOfRun(of: scalarClass, from: position + length)
    }
    let (end, last) = text.whitespaceRun(from: start)
    let endsPart = end == text.count || text.scalar(at: end).0 == .number
    return endsPart || last == start ? end : last
  }
}
