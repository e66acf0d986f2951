/// The three ways to write a key of 32 bytes. Their lengths tell them apart: 32 bytes as they are, 64
/// hexadecimal digits, or 44 characters of Base64; the latter two with a line end or without. 32 bytes that can all
/// be typed are a password, or half of the digits, and no key: of 10¹³ random keys less than one is like that.
enum KeyText {
  /// - Parameter count: How many of the buffer's bytes there are.
  /// - Returns: Nil where they are none of the three.
  static func key(_ buffer: SecretBytes, count: Int) -> SecretKey? {
    let key = SecretBytes(count: SecretKey.byteCount)
    let isKey = buffer.withBytes { bytes in
      key.withMutableBytes { key in
        let given = UnsafeRawBufferPointer(rebasing: bytes[..<count])
        if given.count == SecretKey.byteCount {
          guard !given.allSatisfy(isTyped) else { return false }
          key.copyMemory(from: given)
          return true
        }
        let text = withoutLineEnd(given)
        return switch text.count {
        case 2 * SecretKey.byteCount: decodeHexadecimal(text, into: key)
        case 44: decodeBase64(text, into: key)
        default: false
        }
      }
    }
    return isKey ? SecretKey(key) : nil
  }

  /// Whether a byte is printable ASCII, a tabulator or of a line end.
  private static func isTyped(_ byte: UInt8) -> Bool {
    (0x20...0x7e).contains(byte) || [0x09, 0x0a, 0x0d].contains(byte)
  }

  private static func withoutLineEnd(_ bytes: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
    var count = bytes.count
    if count > 0, bytes[count - 1] == UInt8(ascii: "\n") { count -= 1 }
    if count > 0, bytes[count - 1] == UInt8(ascii: "\r") { count -= 1 }
    return UnsafeRawBufferPointer(rebasing: bytes[..<count])
  }

  private static func decodeHexadecimal(
    _ text: UnsafeRawBufferPointer, into key: UnsafeMutableRawBufferPointer
  ) -> Bool {
    for index in key.indices {
      guard let high = digit(text[2 * index]), let low = digit(text[2 * index + 1]) else {
        return false
      }
      key[index] = high << 4 | low
    }
    return true
  }

  private static func digit(_ byte: UInt8) -> UInt8? {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
    case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
    case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
    default: nil
    }
  }

  /// 43 characters with 258 bits, the last two of them zero, and a `=` (RFC 4648, 4 and 5).
  private static func decodeBase64(
    _ text: UnsafeRawBufferPointer, into key: UnsafeMutableRawBufferPointer
  ) -> Bool {
    guard text[43] == UInt8(ascii: "=") else { return false }
    var (bits, bitCount, filled): (UInt32, Int, Int) = (0, 0, 0)
    for byte in text[..<43] {
      guard let value = base64Value(byte) else { return false }
      bits = bits << 6 | UInt32(value)
      bitCount += 6
      guard bitCount >= 8 else { continue }
      bitCount -= 8
      key[filled] = UInt8(truncatingIfNeeded: bits >> UInt32(bitCount))
      filled += 1
      bits &= 1 << UInt32(bitCount) - 1
    }
    return bits == 0
  }

  private static func base64Value(_ byte: UInt8) -> UInt8? {
    switch byte {
    case UInt8(ascii: "A")...UInt8(ascii: "Z"): byte - UInt8(ascii: "A")
    case UInt8(ascii: "a")...UInt8(ascii: "z"): byte - UInt8(ascii: "a") + 26
    case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0") + 52
    case UInt8(ascii: "+"), UInt8(ascii: "-"): 62
    case UInt8(ascii: "/"), UInt8(ascii: "_"): 63
    default: nil
    }
  }
}
