/// GF(2⁸), the field of 256 elements, eight of them in a word: bytes as polynomials over GF(2), modulo
/// x⁸ + x⁴ + x³ + x + 1, which is that of AES (FIPS 197). Addition is ^.
///
/// There are no tables and no branches: how long something takes, and what it reads, says nothing of the elements.
package enum FieldLanes {
  private static let ones: UInt64 = 0x0101_0101_0101_0101

  /// The products of eight elements with one.
  package static func product(_ elements: UInt64, _ factor: UInt8) -> UInt64 {
    var sum: UInt64 = 0
    var power = elements
    for bit: UInt8 in 0..<8 {
      sum ^= power & (0 &- UInt64(factor &>> bit & 1))
      // Times x: what leaves a byte at the top comes back as x⁴ + x³ + x + 1.
      let carried = power &>> 7 & ones
      power = (power & ~(ones &<< 7)) &<< 1 ^ carried &* 0x1B
    }
    return sum
  }

  package static func product(_ a: UInt8, _ b: UInt8) -> UInt8 {
    UInt8(truncatingIfNeeded: product(UInt64(a), b))
  }

  /// The element whose product with this one is 1; 0 of 0.
  package static func inverse(_ element: UInt8) -> UInt8 {
    // The 254th power: the 255th is 1.
    var (result, square): (UInt8, UInt8) = (1, element)
    for _ in 0..<7 {
      square = product(square, square)
      result = product(result, square)
    }
    return result
  }
}
