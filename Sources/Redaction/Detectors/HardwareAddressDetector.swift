/// MAC addresses: six pairs of hexadecimal digits with `:` or `-` between, or three groups of four with
/// dots, as Cisco writes them.
enum HardwareAddressDetector {
  static func find(in text: Text, _ range: Range<Int>, _ findings: inout [Finding]) {
    for place in range where text[place].isHexadecimal && !text[place - 1].isWord {
      switch text[place + 2] {
      case UInt8(ascii: ":"), UInt8(ascii: "-"):
        let end = place + 17
        if matches(place, groups: 6, of: 2, in: text), end <= range.upperBound,
          isAddress(place..<end, in: text)
        {
          findings.append(Finding(kind: .mac, range: place..<end))
        }
      default:
        let end = place + 14
        if text[place + 4] == UInt8(ascii: "."), end <= range.upperBound,
          matches(place, groups: 3, of: 4, in: text),
          text.bytes(place..<end).contains(where: \.isLetter)
        {
          findings.append(Finding(kind: .mac, range: place..<end))
        }
      }
    }
  }

  /// So many groups with the same separator between, and none before or behind.
  private static func matches(_ start: Int, groups: Int, of width: Int, in text: Text) -> Bool {
    let separator = text[start + width]
    for index in 0..<groups * (width + 1) - 1 {
      let byte = text[start + index]
      guard index % (width + 1) == width ? byte == separator : byte.isHexadecimal else {
        return false
      }
    }
    let end = start + groups * (width + 1) - 1
    return !text[end].isWord && !(text[end] == separator && text[end + 1].isWord)
      && !(text[start - 1] == separator && text[start - 2].isWord)
  }

  private static func isAddress(_ range: Range<Int>, in text: Text) -> Bool {
    let bytes = text.bytes(range)
    let digits = bytes.filter(\.isHexadecimal)
    // Nobody's, and everybody's.
    if digits.allSatisfy({ $0 == digits[0] }) { return false }
    // 23-11-28-10-15-30 is rather a date and a time.
    return bytes[2] == UInt8(ascii: ":") || digits.contains(where: \.isLetter)
  }
}
