/// Mail addresses: what stands around an `@`, or around `%40` in URLs.
enum EmailDetector {
  /// Ends of file names that follow an `@` (`icon@2x.png`), none of which is a top-level domain.
  private static let fileEndings: Set<String> = [
    "png", "jpg", "jpeg", "gif", "svg", "webp", "ico", "css", "scss", "js", "mjs", "jsx", "ts",
    "tsx", "json", "html", "htm", "xml", "yaml", "yml", "txt", "pdf", "tgz", "gz", "tar", "jar",
    "dll", "exe", "swift", "cpp", "hpp",
  ]

  /// Top-level domains that begin no names of places or machines, for words that a hyphen joins to an address.
  private static let genericDomains = ["com", "org", "net", "edu", "gov"]
  /// Top-level domains that are no names of functions, for parentheses directly behind an address.
  private static let domains =
    genericDomains + [
      "mil", "info", "biz", "io", "co", "eu", "de", "at", "ch", "fr", "it", "es", "pt", "uk", "ie",
      "nl", "be", "lu", "se", "dk", "fi", "no", "pl", "cz", "sk", "hu", "ro", "bg", "hr", "gr",
      "ee",
      "lv", "lt", "ua", "ru", "tr", "il", "in", "jp", "cn", "kr", "tw", "hk", "sg", "br", "ar",
      "cl",
      "mx", "ca", "us", "za", "au", "nz",
    ]

  static func find(in text: Text, _ range: Range<Int>, _ findings: inout [Finding]) {
    for place in range {
      switch text[place] {
      case UInt8(ascii: "@"): find(around: place..<place + 1, in: text, range, &findings)
      case UInt8(ascii: "%") where text.has("%40", at: place):
        find(around: place..<place + 3, in: text, range, &findings)
      default: continue
      }
    }
  }

  private static func find(
    around sign: Range<Int>, in text: Text, _ range: Range<Int>, _ findings: inout [Finding]
  ) {
    guard let start = localStart(before: sign.lowerBound, in: text, range.lowerBound),
      let end = domainEnd(after: sign.upperBound, in: text, range.upperBound)
    else { return }
    // A function that is called, as in W@x.mean(); a repository, as in git@host.org:name.
    if text[end] == UInt8(ascii: "("), isCall(at: end, in: text) { return }
    if text[end] == UInt8(ascii: ":"), text.has("git@", at: start), start + 4 == sign.upperBound,
      !text[end + 1].isSpace
    {
      return
    }
    findings.append(Finding(kind: .email, range: start..<end))
  }

  /// Whether the parenthesis at a place is that of a call, and not of a remark: `anna@example.com(work)`.
  private static func isCall(at place: Int, in text: Text) -> Bool {
    if text[place + 1] == UInt8(ascii: ")") { return true }
    return !domains.contains { text.hasIgnoringCase(".\($0)", at: place - $0.utf8.count - 1) }
  }

  /// Where the part in front of the `@` begins; nil where there is none.
  private static func localStart(before end: Int, in text: Text, _ least: Int) -> Int? {
    var start = end
    while start > least, end - start < 64 {
      let byte = text[start - 1]
      if byte.isWord || isLocalSign(byte) {
        // The %40 of another address.
        if byte == UInt8(ascii: "0"), text.has("%40", at: start - 3) { break }
        start -= 1
      } else if let length = Script.letterLength(endingAt: start, in: text), start - length >= least
      {
        start -= length
      } else {
        break
      }
    }
    while start < end, !text[start].isWord, text[start] < 0x80 { start += 1 }
    guard start < end, text[end - 1] != UInt8(ascii: ".") else { return nil }
    return start
  }

  private static func isLocalSign(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "."), UInt8(ascii: "%"), UInt8(ascii: "+"), UInt8(ascii: "-"),
      UInt8(ascii: "'"), UInt8(ascii: "~"), UInt8(ascii: "!"), UInt8(ascii: "#"):
      true
    default: false
    }
  }

  /// Where the domain ends: at least two labels, the last one of letters.
  private static func domainEnd(after start: Int, in text: Text, _ most: Int) -> Int? {
    var place = start
    var labelStart = start
    var labels = 0
    var end: Int?
    while true {
      let byte = text[place]
      if place < most, byte.isAlphanumeric || byte == UInt8(ascii: "-") {
        place += 1
        continue
      }
      if place < most, let length = Script.letterLength(at: place, in: text) {
        place += length
        continue
      }
      // A label ended.
      var labelEnd = place
      while labelEnd > labelStart, text[labelEnd - 1] == UInt8(ascii: "-") { labelEnd -= 1 }
      guard labelEnd > labelStart, text[labelStart] != UInt8(ascii: "-"), place - start <= 255
      else {
        break
      }
      labels += 1
      if labels >= 2 {
        if isTopLevel(labelStart..<labelEnd, in: text) {
          end = labelEnd
        } else if let domain = genericDomains.first(where: {
          text.hasIgnoringCase($0 + "-", at: labelStart)
        }) {
          // A word that a hyphen joins to the address: anna@example.com-thanks.
          end = labelStart + domain.utf8.count
        }
      }
      guard place < most, byte == UInt8(ascii: "."), labelEnd == place else { break }
      place += 1
      labelStart = place
    }
    return end
  }

  private static func isTopLevel(_ label: Range<Int>, in text: Text) -> Bool {
    let bytes = text.bytes(label)
    if label.count > 4, text.hasIgnoringCase("xn--", at: label.lowerBound) { return true }
    guard 2...24 ~= label.count, bytes.allSatisfy({ $0.isLetter || $0 >= 0x80 }) else {
      return false
    }
    return !fileEndings.contains(String(decoding: bytes.map(\.lowercased), as: UTF8.self))
  }
}

/// Letters beyond ASCII that may belong to an address or a word.
enum Script {
  /// Bytes of the letter at a place: Latin, Greek, Cyrillic and their neighbours up to U+058F. Other
  /// scripts, which put no space around an address, end it.
  static func letterLength(at place: Int, in text: Text) -> Int? {
    let (first, second) = (text[place], text[place + 1])
    guard 0xC3...0xD6 ~= first, second & 0xC0 == 0x80 else { return nil }
    // × and ÷.
    if first == 0xC3 && (second == 0x97 || second == 0xB7) { return nil }
    return 2
  }

  /// The same of the letter in front of a place.
  static func letterLength(endingAt place: Int, in text: Text) -> Int? {
    letterLength(at: place - 2, in: text)
  }
}
