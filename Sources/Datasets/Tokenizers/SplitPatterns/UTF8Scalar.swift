/// Strict decoding of UTF-8.
enum UTF8Scalar {
  /// Decodes the scalar at `bytes`: its value and its length in bytes, which is zero if the bytes
  /// are no UTF-8: overlong forms, surrogates, and values beyond U+10FFFF are not.
  @inline(__always)
  static func decode(_ bytes: UnsafePointer<UInt8>, available: Int) -> (UInt32, Int) {
    func tail(_ index: Int) -> UInt32? {
      index < available && bytes[index] & 0xC0 == 0x80 ? UInt32(bytes[index] & 0x3F) : nil
    }
    let first = UInt32(bytes[0])
    switch first {
    case 0x00...0x7F:
      return (first, 1)
    case 0xC2...0xDF:
      guard let second = tail(1) else { return (0, 0) }
      return ((first & 0x1F) << 6 | second, 2)
    case 0xE0...0xEF:
      guard let second = tail(1), let third = tail(2) else { return (0, 0) }
      let value = (first & 0x0F) << 12 | second << 6 | third
      return value < 0x800 || (0xD800...0xDFFF).contains(value) ? (0, 0) : (value, 3)
    case 0xF0...0xF4:
      guard let second = tail(1), let third = tail(2), let fourth = tail(3) else { return (0, 0) }
      let value = (first & 0x07) << 18 | second << 12 | third << 6 | fourth
      return (0x10000...0x10FFFF).contains(value) ? (value, 4) : (0, 0)
    default:
      return (0, 0)
    }
  }

  /// Calls `body` with every scalar's value and byte offset.
  ///
  /// - Throws: `TokenizerError.invalidUTF8` at the first byte that is not UTF-8; what `body` throws.
  static func forEach(
    in text: UnsafeRawBufferPointer, _ body: (UInt32, Int) throws(TokenizerError) -> Void
  ) throws(TokenizerError) {
    guard let base = text.bindMemory(to: UInt8.self).baseAddress else { return }
    var offset = 0
    while offset < text.count {
      let (value, length) = decode(base + offset, available: text.count - offset)
      if length == 0 { throw .invalidUTF8(offset: offset) }
      try body(value, offset)
      offset += length
    }
  }

  /// Calls `body` with every scalar and its first byte; bytes that are no UTF-8 come one by one, without a
  /// scalar.
  @inline(__always)
  static func forEachOrByte(
    in text: UnsafeRawBufferPointer, _ body: (Unicode.Scalar?, UInt8) -> Void
  ) {
    guard let base = text.bindMemory(to: UInt8.self).baseAddress else { return }
    var offset = 0
    while offset < text.count {
      let (value, length) = decode(base + offset, available: text.count - offset)
      body(length == 0 ? nil : Unicode.Scalar(value), base[offset])
      offset += max(1, length)
    }
  }
}
