/// IPv4 and IPv6 addresses (RFC 791, RFC 4291), without those that are nobody's: of this host, of none, and
/// masks of networks.
enum InternetAddressDetector {
  // MARK: IPv4

  static func findIPv4(in text: Text, _ range: Range<Int>, _ findings: inout [Finding]) {
    var place = range.lowerBound
    while place < range.upperBound {
      guard text[place].isDigit, !text[place - 1].isWord else {
        place += 1
        continue
      }
      guard let (octets, end) = dotted(at: place, in: text) else {
        while text[place].isDigit || text[place] == UInt8(ascii: ".") { place += 1 }
        continue
      }
      if isAddress(octets), !isVersion(before: place, in: text) {
        findings.append(Finding(kind: .ip, range: place..<end))
      }
      place = end
    }
  }

  /// Four numbers up to 255 with dots between, and no fifth.
  private static func dotted(at start: Int, in text: Text) -> (octets: [Int], end: Int)? {
    if text[start - 1] == UInt8(ascii: "."), text[start - 2].isWord { return nil }
    var octets: [Int] = []
    var place = start
    for number in 0..<4 {
      if number > 0 {
        guard text[place] == UInt8(ascii: ".") else { return nil }
        place += 1
      }
      let first = place
      var value = 0
      while text[place].isDigit, place - first < 4 {
        value = 10 * value + text[place].digitValue
        place += 1
      }
      guard place > first, value <= 255, place - first == 1 || text[first] != UInt8(ascii: "0")
      else { return nil }
      octets.append(value)
    }
    if text[place].isWord { return nil }
    if text[place] == UInt8(ascii: "."), text[place + 1].isWord { return nil }
    if text[place] == UInt8(ascii: "-"), text[place + 1].isLetter { return nil }
    return (octets, place)
  }

  private static func isAddress(_ octets: [Int]) -> Bool {
    octets[0] != 0 && octets[0] != 127 && octets[0] != 255
  }

  private static let versionWords = [
    "version", "versions", "ver", "v", "release", "build", "firmware", "section", "sections",
    "chapter", "clause", "table", "figure", "paragraph", "update", "upgrade", "revision", "rev",
    "oid",
  ]

  /// Whether what follows is a version's or a section's number: the word in front says so, or a `/`
  /// between a product's name and it.
  private static func isVersion(before place: Int, in text: Text) -> Bool {
    var end = place - 1
    if text[end] == UInt8(ascii: "/"), text[end - 1].isLetter { return true }
    // §
    if text[end] == 0xA7 || text[end] == UInt8(ascii: " ") && text[end - 1] == 0xA7 { return true }
    while text[end] == UInt8(ascii: " ") || text[end] == UInt8(ascii: ":")
      || text[end] == UInt8(ascii: "=") || text[end] == UInt8(ascii: "\"")
    {
      end -= 1
    }
    return versionWords.contains { word in
      let start = end + 1 - word.utf8.count
      return text.hasIgnoringCase(word, at: start) && !text[start - 1].isLetter
    }
  }

  // MARK: IPv6

  static func findIPv6(in text: Text, _ range: Range<Int>, _ findings: inout [Finding]) {
    var place = range.lowerBound
    while place < range.upperBound {
      guard isPart(text[place]) else {
        place += 1
        continue
      }
      let start = place
      var colons = 0
      while isPart(text[place]) || text[place] == UInt8(ascii: ".") && text[place + 1].isDigit {
        if text[place] == UInt8(ascii: ":") { colons += 1 }
        place += 1
      }
      var end = place
      // The colon of a sentence.
      if text[end - 1] == UInt8(ascii: ":"), text[end - 2] != UInt8(ascii: ":") { end -= 1 }
      guard colons >= 2, !text[start - 1].isWord, !text[place].isWord, end - start <= 45 else {
        continue
      }
      // A slice of a list, as in x[2001::2].
      if text[start - 1] == UInt8(ascii: "["), text[start - 2].isWord { continue }
      if let first = firstGroup(of: start..<end, in: text), isPersonal(first) {
        findings.append(Finding(kind: .ip, range: start..<end))
      }
    }
  }

  private static func isPart(_ byte: UInt8) -> Bool {
    byte.isHexadecimal || byte == UInt8(ascii: ":")
  }

  /// The first group of an address; nil where the text is none.
  private static func firstGroup(of range: Range<Int>, in text: Text) -> Int? {
    guard let (groups, gap) = groups(of: range, in: text) else { return nil }
    // IPv4 in IPv6 counts as the former.
    if gap == 0 { return groups.count >= 3 && groups[groups.count - 3] == 0xFFFF ? 0x2001 : 0 }
    return groups[0]
  }

  /// The groups that are written, and in front of which of them there is a gap of zeros.
  private static func groups(of range: Range<Int>, in text: Text) -> (groups: [Int], gap: Int?)? {
    var groups: [Int] = []
    var gap: Int?
    var place = range.lowerBound
    if text.has("::", at: place) {
      gap = 0
      place += 2
    }
    while place < range.upperBound {
      let start = place
      var value = 0
      while place < range.upperBound, text[place].isHexadecimal, place - start < 5 {
        value = 16 * value + text[place].digitValue
        place += 1
      }
      guard 1...4 ~= place - start else { return nil }
      if text[place] == UInt8(ascii: "."), place < range.upperBound {
        guard let (octets, end) = dotted(at: start, in: text), end == range.upperBound else {
          return nil
        }
        groups += [octets[0] << 8 | octets[1], octets[2] << 8 | octets[3]]
        break
      }
      groups.append(value)
      guard place < range.upperBound else { break }
      guard text[place] == UInt8(ascii: ":") else { return nil }
      place += 1
      if place < range.upperBound, text[place] == UInt8(ascii: ":") {
        guard gap == nil else { return nil }
        gap = groups.count
        place += 1
      } else if place == range.upperBound {
        return nil
      }
    }
    return (gap == nil ? groups.count == 8 : 1...7 ~= groups.count) ? (groups, gap) : nil
  }

  /// The sixteen bytes of an address, however it is written.
  static func groups(of value: UnsafeBufferPointer<UInt8>) -> [UInt8] {
    guard let base = value.baseAddress,
      case let text = Text(base: base, count: value.count),
      let (groups, gap) = groups(of: 0..<value.count, in: text)
    else { return Array(value) }
    var all = groups
    all.insert(contentsOf: [Int](repeating: 0, count: 8 - groups.count), at: gap ?? 0)
    return all.flatMap { [UInt8($0 >> 8), UInt8($0 & 0xFF)] }
  }

  /// Addresses that are given out: global ones, local ones, of a link, and for several receivers.
  private static func isPersonal(_ first: Int) -> Bool {
    first & 0xE000 == 0x2000 && first >= 0x2001 || first & 0xFE00 == 0xFC00
      || first & 0xFFC0 == 0xFE80 || first == 0x64
  }
}
