/// Cuts text before "▁".
struct SpaceScanner: WordCutter {
  /// Where words end.
  enum Borders: Sendable {
    /// Before every "▁".
    case everySpace
    /// Before a "▁" that follows something else.
    case spaceAfterText
    /// Nowhere: all of a text is one word.
    case none
  }

  let text: UnsafeBufferPointer<UInt8>
  let borders: Borders

  func endOfWord(from start: Int) -> Int {
    guard borders != .none else { return text.count }
    var isAfterSpace = isSpace(at: start)
    var position = start + (isAfterSpace ? 3 : 1)
    while position < text.count {
      let isSpace = isSpace(at: position)
      if isSpace && (borders == .everySpace || !isAfterSpace) { return position }
      isAfterSpace = isSpace
      position += isSpace ? 3 : 1
    }
    return text.count
  }

  /// Whether "▁" (U+2581) begins at a place; its first byte begins characters only.
  @inline(__always)
  private func isSpace(at place: Int) -> Bool {
    text[place] == 0xE2 && place + 2 < text.count && text[place + 1] == 0x96
      && text[place + 2] == 0x81
  }
}
