#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// A range of a document's bytes.
struct TextSpan {
  var document: InputDocument
  var range: Range<Int>

  /// What encoding meets on its way through spans.
  enum Piece {
    /// Text that can be encoded on its own: no tokenizer makes a token across its ends, and none that
    /// was asked to be separated is in it.
    case text(UnsafeRawBufferPointer, at: TextPlace)
    /// A token that was asked to be separated, and the bytes that it takes of the text.
    case token(Int32, byteCount: Int)
    /// The border of two documents.
    case endOfText
  }

  /// Pieces are about this many bytes, unless a text gives no place to cut it.
  static let pieceByteCount = 4 << 20

  /// Cuts documents into the part to train on and the last part, to be held out.
  ///
  /// - Parameters:
  ///   - documents: The texts, in order.
  ///   - fraction: Of all bytes, how many are held out, in 0 ..< 1. The cut is moved forward to the
  ///     beginning of a line, if one begins within a kilobyte, or else of a character.
  /// - Throws: `PreparationError.textTooShort` if one part would be empty but the fraction is not 0.
  static func split(
    _ documents: [InputDocument], holdingOut fraction: Double
  ) throws(PreparationError) -> (training: [TextSpan], validation: [TextSpan]) {
    let whole = documents.map { TextSpan(document: $0, range: 0..<$0.bytes.count) }
    if fraction == 0 { return (whole, []) }
    let byteCount = whole.reduce(0) { $0 + $1.range.count }
    var rest = byteCount - Int(Double(byteCount) * fraction)
    var training: [TextSpan] = []
    var validation: [TextSpan] = []
    for span in whole {
      let size = span.range.count
      let cut = rest <= 0 ? 0 : rest >= size ? size : lineStart(in: span.document.bytes, from: rest)
      rest -= size
      if cut > 0 { training.append(TextSpan(document: span.document, range: 0..<cut)) }
      if cut < size { validation.append(TextSpan(document: span.document, range: cut..<size)) }
    }
    if training.isEmpty || validation.isEmpty {
      throw .textTooShort(byteCount: byteCount, fraction: fraction)
    }
    return (training, validation)
  }

  /// The first position from `start` on at which a line begins, or else a character.
  private static func lineStart(in text: UnsafeRawBufferPointer, from start: Int) -> Int {
    let near = start..<min(text.count, start + 1024)
    if let line = near.first(where: { text[$0 - 1] == UInt8(ascii: "\n") }) { return line }
    return near.first { text[$0] & 0xC0 != 0x80 } ?? start
  }

  /// Calls `body` with all pieces of spans, in order: the texts, and between two documents, and for
  /// every `<|endoftext|>` that a text spells out, their border.
  ///
  /// - Parameters:
  ///   - separation: Added tokens to be separated from the text, and what special ones are.
  ///     Default: none are.
  ///   - places: Where a text may be cut. Default: as GPT-2's pattern allows.
  static func forEachPiece<Failure: Error>(
    of spans: [TextSpan], separating separation: (AddedTokenMatcher, SpecialTokens)? = nil,
    at places: CuttingPlaces = SplitPattern.gpt2.places, _ body: (Piece) throws(Failure) -> Void
  ) throws(Failure) {
    for (index, span) in spans.enumerated() {
      if index > 0 { try body(.endOfText) }
      let text = UnsafeRawBufferPointer(rebasing: span.document.bytes[span.range])
      try forEachDocument(in: text) { (document, isFirst) throws(Failure) in
        if !isFirst { try body(.endOfText) }
        guard let (matcher, special) = separation else {
          return try forEachPiece(ofText: document, at: .start, places, body)
        }
        try matcher.forEachPart(of: document, special: special) { (part) throws(Failure) in
          switch part {
          case .token(let id, let range): try body(.token(id, byteCount: range.count))
          case .text(let range):
            try forEachPiece(
              ofText: UnsafeRawBufferPointer(rebasing: document[range]),
              at: range.lowerBound == 0 ? .start : .afterToken, places, body)
          }
        }
      }
    }
  }

  /// Does something with a text of a piece, and tells the file and line of what can not be expressed.
  ///
  /// - Parameter spans: Those of the piece.
  /// - Throws: `PreparationError.notExpressible`.
  static func telling<Result>(
    of text: UnsafeRawBufferPointer, in spans: [TextSpan],
    _ body: (UnsafeRawBufferPointer) throws(TokenizerError) -> Result
  ) throws(PreparationError) -> Result {
    let found: TokenizerError
    do throws(TokenizerError) {
      return try body(text)
    } catch {
      found = error
    }
    // A normaliser changes how long a text is, so that the error's offset says little of a long one.
    var start = 0
    while start < text.count {
      let end = text[start...].firstIndex(of: UInt8(ascii: "\n")) ?? text.count
      let line = UnsafeRawBufferPointer(rebasing: text[start..<end])
      do throws(TokenizerError) {
        _ = try body(line)
      } catch {
        throw fault(error, at: line, in: spans)
      }
      start = end + 1
    }
    throw fault(found, at: text, in: spans)
  }

  private static func fault(
    _ error: TokenizerError, at text: UnsafeRawBufferPointer, in spans: [TextSpan]
  ) -> PreparationError {
    for span in spans {
      let bytes = span.document.bytes
      guard let begin = bytes.baseAddress, let address = text.baseAddress,
        (begin..<begin + bytes.count).contains(address)
      else { continue }
      let place = address - begin
      let lineStart = bytes[..<place].lastIndex(of: UInt8(ascii: "\n")).map { $0 + 1 } ?? 0
      return .notExpressible(
        path: span.document.name, line: span.document.lineNumber(at: place),
        error.shifted(by: place - lineStart))
    }
    preconditionFailure("a text of other spans")
  }

  private static func forEachPiece<Failure: Error>(
    ofText text: UnsafeRawBufferPointer, at place: TextPlace, _ places: CuttingPlaces,
    _ body: (Piece) throws(Failure) -> Void
  ) throws(Failure) {
    var start = 0
    while start < text.count {
      let end = pieceEnd(in: text, from: start, places)
      try body(
        .text(
          UnsafeRawBufferPointer(rebasing: text[start..<end]), at: start == 0 ? place : .continued))
      start = end
    }
  }

  /// Calls `body` with the texts between the markers that a text spells out.
  private static func forEachDocument<Failure: Error>(
    in text: UnsafeRawBufferPointer,
    _ body: (UnsafeRawBufferPointer, Bool) throws(Failure) -> Void
  ) throws(Failure) {
    let markerCount = Vocabulary.endOfTextName.utf8.count
    var start = 0
    while let found = marker(in: text, from: start) {
      try body(UnsafeRawBufferPointer(rebasing: text[start..<found]), start == 0)
      start = found + markerCount
    }
    try body(UnsafeRawBufferPointer(rebasing: text[start...]), start == 0)
  }

  /// Where the next marker begins, if there is one.
  private static func marker(in text: UnsafeRawBufferPointer, from start: Int) -> Int? {
    let marker = Array(Vocabulary.endOfTextName.utf8)
    var position = start
    while position + marker.count <= text.count, let base = text.baseAddress,
      let found = memchr(base + position, Int32(marker[0]), text.count - position)
    {
      let candidate = UnsafeRawPointer(found) - base
      if candidate + marker.count <= text.count, memcmp(found, marker, marker.count) == 0 {
        return candidate
      }
      position = candidate + 1
    }
    return nil
  }

  /// Where a piece that begins at `start` may end: before a space or line feed, where `places` has it, that
  /// follows a printing ASCII character.
  private static func pieceEnd(
    in text: UnsafeRawBufferPointer, from start: Int, _ places: CuttingPlaces
  ) -> Int {
    guard !places.isEmpty else { return text.count }
    let atSpaces = places.contains(.spaces)
    let atLineFeeds = places.contains(.lineFeeds)
    var end = start + pieceByteCount
    while end < text.count {
      let isPlace =
        text[end] == UInt8(ascii: " ") ? atSpaces : text[end] == UInt8(ascii: "\n") && atLineFeeds
      if isPlace && (0x21...0x7E).contains(text[end - 1]) { return end }
      end += 1
    }
    return text.count
  }
}
