/// A text's bytes as detectors see them: in front of it and behind it are line ends.
struct Text {
  let base: UnsafePointer<UInt8>
  let count: Int

  subscript(index: Int) -> UInt8 {
    index >= 0 && index < count ? base[index] : UInt8(ascii: "\n")
  }

  /// Whether a text stands at a place.
  func has(_ text: StaticString, at place: Int) -> Bool {
    guard place >= 0, place + text.utf8CodeUnitCount <= count else { return false }
    for index in 0..<text.utf8CodeUnitCount where base[place + index] != text.utf8Start[index] {
      return false
    }
    return true
  }

  /// Whether a text in lower-case ASCII stands at a place, in letters of either case.
  func hasIgnoringCase(_ text: String, at place: Int) -> Bool {
    var index = place
    for byte in text.utf8 {
      guard index >= 0, index < count, base[index].lowercased == byte else { return false }
      index += 1
    }
    return true
  }

  /// The first place of a text in a range.
  func first(_ text: StaticString, in range: Range<Int>) -> Int? {
    guard range.count >= text.utf8CodeUnitCount else { return nil }
    let first = text.utf8Start[0]
    for place in range.lowerBound...(range.upperBound - text.utf8CodeUnitCount)
    where base[place] == first && has(text, at: place) {
      return place
    }
    return nil
  }

  func bytes(_ range: Range<Int>) -> UnsafeBufferPointer<UInt8> {
    UnsafeBufferPointer(start: base + range.lowerBound, count: range.count)
  }
}

extension UInt8 {
  var isDigit: Bool { self &- 0x30 < 10 }
  var isLetter: Bool { (self | 0x20) &- 0x61 < 26 }
  var isUpper: Bool { self &- 0x41 < 26 }
  var isLower: Bool { self &- 0x61 < 26 }
  var isAlphanumeric: Bool { isDigit || isLetter }
  /// A letter, a digit, or `_`.
  var isWord: Bool { isDigit || isLetter || self == 0x5F }
  var isHexadecimal: Bool { isDigit || (self | 0x20) &- 0x61 < 6 }
  var isSpace: Bool { self == 0x20 || self == 0x09 || self == 0x0D || self == 0x0A }
  var lowercased: UInt8 { isUpper ? self | 0x20 : self }

  /// The value of a hexadecimal digit.
  var digitValue: Int { isDigit ? Int(self) - 0x30 : Int(self | 0x20) - 0x61 + 10 }
}
