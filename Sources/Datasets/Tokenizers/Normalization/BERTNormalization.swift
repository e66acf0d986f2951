/// BERT's cleaning of texts.
///
/// Source: `BasicTokenizer` in Google's BERT release; where Unicode leaves choices, as Hugging Face's
/// `tokenizers` makes them.
public struct BERTNormalization: Sendable, Equatable {
  /// Whether control characters go and every white space becomes a space.
  public var cleansText = true
  /// Whether there is a space before and behind each Chinese character.
  public var separatesIdeographs = true
  /// Whether marks such as accents go.
  public var stripsAccents = true
  /// Whether capitals become small letters.
  public var lowercases = true

  public init(
    cleansText: Bool = true, separatesIdeographs: Bool = true, stripsAccents: Bool = true,
    lowercases: Bool = true
  ) {
    self.cleansText = cleansText
    self.separatesIdeographs = separatesIdeographs
    self.stripsAccents = stripsAccents
    self.lowercases = lowercases
  }

  /// Bytes that are no UTF-8 are read as U+FFFD, which cleaning takes away.
  ///
  /// - Parameter forms: Needed where accents go.
  func normalized(
    _ text: UnsafeRawBufferPointer, forms: CanonicalForms?, classes: BERTScalars
  ) -> [UInt8] {
    var cleaned: [UInt8] = []
    cleaned.reserveCapacity(text.count)
    var isASCII = true
    UTF8Scalar.forEachOrByte(in: text) { found, _ in
      let scalar = found ?? "\u{FFFD}"
      if scalar.isASCII {
        let byte = UInt8(scalar.value)
        if !cleansText || byte >= 0x20 && byte < 0x7F {
          cleaned.append(byte)
        } else if (0x09...0x0D).contains(byte), byte != 0x0B && byte != 0x0C {
          cleaned.append(0x20)
        }
        return
      }
      isASCII = false
      if cleansText {
        if classes.isRemoved(scalar.value) { return }
        if scalar.properties.isWhitespace {
          cleaned.append(0x20)
          return
        }
      }
      if separatesIdeographs, BERTScalars.isIdeograph(scalar.value) {
        cleaned.append(0x20)
        cleaned.append(contentsOf: UTF8.encode(scalar) ?? .init())
        cleaned.append(0x20)
      } else {
        cleaned.append(contentsOf: UTF8.encode(scalar) ?? .init())
      }
    }
    if isASCII { return lowercases ? Self.lowercased(ascii: cleaned) : cleaned }
    return withoutAccents(cleaned, forms: forms, classes: classes)
  }

  private static func lowercased(ascii text: [UInt8]) -> [UInt8] {
    text.map { (0x41...0x5A).contains($0) ? $0 | 0x20 : $0 }
  }

  /// - Parameter text: UTF-8.
  private func withoutAccents(
    _ text: [UInt8], forms: CanonicalForms?, classes: BERTScalars
  ) -> [UInt8] {
    let parted =
      stripsAccents ? text.withUnsafeBytes { forms?.decomposed($0) } ?? text : text
    var result: [UInt8] = []
    result.reserveCapacity(parted.count)
    parted.withUnsafeBytes { bytes in
      UTF8Scalar.forEachOrByte(in: bytes) { found, byte in
        guard let scalar = found, !scalar.isASCII else {
          result.append(lowercases && (0x41...0x5A).contains(byte) ? byte | 0x20 : byte)
          return
        }
        if stripsAccents, classes.isAccent(scalar.value) { return }
        result.append(
          contentsOf: lowercases
            ? Array(scalar.properties.lowercaseMapping.utf8)
            : Array(UTF8.encode(scalar) ?? .init()))
      }
    }
    return result
  }
}
