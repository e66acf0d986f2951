extension BinaryFloatingPoint where Self: LosslessStringConvertible {
  /// The finite number that a text writes in decimal: digits with or without sign, point and exponent; nil
  /// for all else.
  ///
  /// The standard library's own initialiser takes more for a number: `0x10`, `inf`, `nan`, and what stands in
  /// front of a NUL. What people and other programs wrote is read by this one.
  package init?(decimal text: some StringProtocol) {
    let isDecimal = text.utf8.allSatisfy { byte in
      switch byte {
      case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "+"), UInt8(ascii: "-"),
        UInt8(ascii: "."), UInt8(ascii: "e"), UInt8(ascii: "E"):
        true
      default: false
      }
    }
    guard isDecimal, let value = Self(String(text)), value.isFinite else { return nil }
    self = value
  }
}
