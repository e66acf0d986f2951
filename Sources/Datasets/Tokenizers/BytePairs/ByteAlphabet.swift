/// GPT-2's printable stand-ins for bytes, in which byte-level vocabularies are written.
///
/// Bytes that print in Latin-1 stand for themselves; the other 68 take the scalars from U+0100 on
/// in their order. The ids of the single-byte tokens follow the order of these scalars.
///
/// Source: `bytes_to_unicode` in OpenAI's GPT-2 release.
struct ByteAlphabet: Sendable {
  /// The scalar that stands for each byte, [256].
  let scalars: [Unicode.Scalar]
  /// All bytes in the order of their scalars, [256]: byte-level ids 0 ... 255.
  let bytesInOrder: [UInt8]
  /// The byte of each scalar below U+0144, or -1.
  private let bytes: [Int16]

  init() {
    let printable = (0..<256).filter { byte in
      (0x21...0x7E).contains(byte) || (0xA1...0xAC).contains(byte) || (0xAE...0xFF).contains(byte)
    }
    let others = (0..<256).filter { !printable.contains($0) }
    let ordered = (printable + others).map { UInt8($0) }
    var scalars = (0..<256).map { Unicode.Scalar(UInt8($0)) }
    for (index, byte) in others.enumerated() {
      // U+0100 ... U+0143 are scalars, all of them.
      scalars[byte] = Unicode.Scalar(UInt16(0x100 + index)) ?? scalars[byte]
    }
    var bytes = [Int16](repeating: -1, count: 0x100 + others.count)
    for (byte, scalar) in scalars.enumerated() { bytes[Int(scalar.value)] = Int16(byte) }
    self.scalars = scalars
    self.bytesInOrder = ordered
    self.bytes = bytes
  }

  /// A token's bytes as they are written in a vocabulary.
  func text(of token: some Sequence<UInt8>) -> String {
    var text = String.UnicodeScalarView()
    for byte in token { text.append(scalars[Int(byte)]) }
    return String(text)
  }

  /// The bytes of a written token; nil if a scalar stands for no byte.
  func bytes(of text: String) -> [UInt8]? {
    var result: [UInt8] = []
    for scalar in text.unicodeScalars {
      guard scalar.value < bytes.count, bytes[Int(scalar.value)] >= 0 else { return nil }
      result.append(UInt8(bytes[Int(scalar.value)]))
    }
    return result
  }
}
