/// User names and passwords in URLs: what stands between `://` and an `@` in front of the host.
enum CredentialDetector {
  static func find(in text: Text, _ range: Range<Int>, _ findings: inout [Finding]) {
    var place = range.lowerBound
    while let found = text.first("://", in: place..<range.upperBound) {
      let start = found + 3
      place = start
      guard text[found - 1].isAlphanumeric else { continue }
      var (end, sign) = (start, Optional<Int>.none)
      while end < range.upperBound, !endsAuthority(text[end]) {
        if text[end] == UInt8(ascii: "@") { sign = end }
        end += 1
      }
      place = end
      guard let sign, sign > start, sign + 1 < end else { continue }
      findings.append(Finding(kind: .credentials, range: start..<sign))
    }
  }

  private static func endsAuthority(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "/"), UInt8(ascii: "?"), UInt8(ascii: "#"), UInt8(ascii: "\""),
      UInt8(ascii: "<"), UInt8(ascii: ">"), UInt8(ascii: "`"), UInt8(ascii: "'"),
      UInt8(ascii: "["), UInt8(ascii: "]"):
      true
    default: byte.isSpace
    }
  }
}
