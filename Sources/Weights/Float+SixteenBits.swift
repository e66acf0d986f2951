extension Float {
  /// The value of an IEEE 754 half-precision bit pattern. Exact: every half is a `Float`.
  ///
  /// Written out because `Float16` does not exist on every platform that Swift builds for.
  package init(halfBits bits: UInt16) {
    let sign = UInt32(bits & 0x8000) << 16
    let exponent = UInt32(bits >> 10) & 0x1F
    let fraction = UInt32(bits) & 0x3FF
    switch exponent {
    case 0:
      // Zero and subnormals: fraction · 2⁻²⁴.
      let magnitude = Float(fraction) * 0x1p-24
      self = Float(bitPattern: sign | magnitude.bitPattern)
    case 0x1F:
      self = Float(bitPattern: sign | 0x7F80_0000 | fraction << 13)
    default:
      self = Float(bitPattern: sign | (exponent + 112) << 23 | fraction << 13)
    }
  }

  /// The value of a bfloat16 bit pattern: the upper half of a `Float`.
  package init(brainBits bits: UInt16) {
    self = Float(bitPattern: UInt32(bits) << 16)
  }

  /// The bit pattern of the nearest half, of two the one that is even; beyond 65,519 infinity.
  package var halfBits: UInt16 {
    let sign = UInt16(bitPattern >> 16) & 0x8000
    let magnitude = bitPattern & 0x7FFF_FFFF
    switch magnitude {
    case 0x7F80_0001...: return sign | 0x7E00 | UInt16(magnitude >> 13 & 0x1FF)
    case 0x477F_F000...: return sign | 0x7C00
    case 0x3880_0000...:
      let rounded = magnitude + 0xFFF + (magnitude >> 13 & 1)
      return sign | UInt16((rounded - 112 << 23) >> 13)
    default:
      // Multiples of 2⁻²⁴; of 1,024 of them the pattern is that of the least normal number.
      let multiple = Float(bitPattern: magnitude) * 0x1p24
      return sign | UInt16(multiple.rounded(.toNearestOrEven))
    }
  }

  /// The bit pattern of the nearest bfloat16, of two the one that is even.
  package var brainBits: UInt16 {
    if isNaN { return UInt16(bitPattern >> 16) | 0x40 }
    return UInt16((bitPattern + 0x7FFF + (bitPattern >> 16 & 1)) >> 16)
  }
}
