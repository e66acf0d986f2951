/// Cuts text as BERT does: white space parts words, and a punctuation character is a word by itself.
///
/// White space is a word here, too, so that words cover the text; it makes no tokens.
struct BERTScanner: WordCutter {
  private enum Kind {
    case text, space, punctuation
  }

  let text: UnsafeBufferPointer<UInt8>
  let scalars: BERTScalars

  func endOfWord(from start: Int) -> Int {
    let (kind, length) = kind(at: start)
    var position = start + length
    if kind == .punctuation { return position }
    while position < text.count {
      let (next, length) = self.kind(at: position)
      if next != kind { break }
      position += length
    }
    return position
  }

  /// Whether a word is white space.
  static func isSpace(_ word: UnsafePointer<UInt8>, count: Int) -> Bool {
    let (value, length) = UTF8Scalar.decode(word, available: count)
    return length > 0 && Unicode.Scalar(value)?.properties.isWhitespace ?? false
  }

  @inline(__always)
  private func kind(at place: Int) -> (Kind, Int) {
    let byte = text[place]
    switch byte {
    case 0x61...0x7A, 0x30...0x39, 0x41...0x5A: return (.text, 1)
    case 0x20, 0x09...0x0D: return (.space, 1)
    case 0x21...0x7E: return (.punctuation, 1)
    case 0...0x7F: return (.text, 1)
    default: return longKind(at: place)
    }
  }

  private func longKind(at place: Int) -> (Kind, Int) {
    guard let base = text.baseAddress else { return (.text, 1) }
    let (value, length) = UTF8Scalar.decode(base + place, available: text.count - place)
    guard length > 0, let scalar = Unicode.Scalar(value) else { return (.text, 1) }
    if scalar.properties.isWhitespace { return (.space, length) }
    return (scalars.isPunctuation(value) ? .punctuation : .text, length)
  }
}
