/// API keys, tokens and passwords: by their known beginnings, by the name that they are given, and by
/// their entropy.
struct SecretDetector {
  /// Whether the text as a whole stands under a name such as `password`.
  let isNamed: SecretNames.Kind?

  func find(in text: Text, _ range: Range<Int>, _ findings: inout [Finding]) {
    if let isNamed { findWhole(in: text, range, isNamed, &findings) }
    findKnown(in: text, range, &findings)
    findGiven(in: text, range, &findings)
    findRandom(in: text, range, &findings)
  }

  /// The only word of a value that is called a secret.
  private func findWhole(
    in text: Text, _ range: Range<Int>, _ kind: SecretNames.Kind, _ findings: inout [Finding]
  ) {
    let bytes = text.bytes(range)
    guard range.lowerBound == 0, range.upperBound == text.count, bytes.count <= 512,
      !bytes.contains(where: \.isSpace), kind.takes(bytes)
    else { return }
    findings.append(Finding(kind: .secret, range: range))
  }

  // MARK: Known beginnings

  /// How a service's keys begin, and how many characters follow at least. Base64url and dots may follow.
  private static let known: [(beginning: StaticString, least: Int)] = [
    ("AKIA", 16), ("ASIA", 16), ("ghp_", 36), ("gho_", 36), ("ghu_", 36), ("ghs_", 36),
    ("ghr_", 36),
    ("github_pat_", 40), ("glpat-", 20), ("gldt-", 20), ("xoxb-", 20), ("xoxa-", 20), ("xoxp-", 20),
    ("xoxr-", 20), ("xoxs-", 20), ("xapp-", 20), ("sk_live_", 16), ("sk_test_", 16),
    ("rk_live_", 16),
    ("rk_test_", 16), ("whsec_", 24), ("AIza", 35), ("ya29.", 20), ("sk-", 32), ("hf_", 30),
    ("npm_", 36), ("pypi-AgE", 30), ("SG.", 40), ("shpat_", 32), ("shpss_", 32), ("dop_v1_", 64),
    ("AGE-SECRET-KEY-1", 50), ("eyJ", 30), ("EAAC", 60), ("sq0csp-", 40), ("key-", 32),
    ("dckr_pat_", 20),
    ("lin_api_", 32), ("figd_", 32), ("r8_", 36), ("nvapi-", 40), ("gsk_", 40), ("pat-na1-", 32),
  ]
  private static let knownByFirst: [[(beginning: StaticString, least: Int)]] = {
    var table = [[(beginning: StaticString, least: Int)]](repeating: [], count: 256)
    for entry in known { table[Int(entry.beginning.utf8Start[0])].append(entry) }
    return table
  }()

  private func findKnown(in text: Text, _ range: Range<Int>, _ findings: inout [Finding]) {
    var place = range.lowerBound
    let table = Self.knownByFirst
    while place < range.upperBound {
      let byte = text[place]
      guard byte.isLetter, !text[place - 1].isAlphanumeric, !table[Int(byte)].isEmpty,
        let end = knownEnd(at: place, among: table[Int(byte)], in: text, range.upperBound)
      else {
        place += 1
        continue
      }
      findings.append(Finding(kind: .secret, range: place..<end))
      place = end
    }
  }

  private func knownEnd(
    at place: Int, among entries: [(beginning: StaticString, least: Int)], in text: Text,
    _ most: Int
  ) -> Int? {
    for entry in entries where text.has(entry.beginning, at: place) {
      let start = place + entry.beginning.utf8CodeUnitCount
      var end = start
      while end < most,
        text[end].isWord || text[end] == UInt8(ascii: "-")
          || text[end] == UInt8(ascii: ".") && text[end + 1].isWord
      {
        end += 1
      }
      guard end - start >= entry.least else { continue }
      // A JSON Web Token has three parts; Amazon's keys have 20 characters in capitals.
      if entry.beginning.utf8CodeUnitCount == 3, entry.beginning.utf8Start[0] == UInt8(ascii: "e") {
        guard text.bytes(start..<end).count(where: { $0 == UInt8(ascii: ".") }) >= 2 else {
          continue
        }
      }
      if entry.least == 16, entry.beginning.utf8CodeUnitCount == 4 {
        guard end - start == 16, text.bytes(start..<end).allSatisfy({ $0.isUpper || $0.isDigit })
        else { continue }
      }
      let randomness = Randomness(text.bytes(start..<end))
      let isMixed = randomness.upper > 1 && randomness.lower > 1 && randomness.entropy >= 3.5
      guard isMixed || randomness.digits > 0 && randomness.entropy >= 2.8 else { continue }
      return end
    }
    return nil
  }

  // MARK: Names

  /// `password = "…"`, `api_key: …`, `Authorization: Bearer …`.
  private func findGiven(in text: Text, _ range: Range<Int>, _ findings: inout [Finding]) {
    for place in range {
      let byte = text[place]
      guard byte == UInt8(ascii: "=") || byte == UInt8(ascii: ":"),
        let kind = SecretNames.kind(before: place, in: text, range.lowerBound)
      else { continue }
      var start = place + 1
      // ==, =>, := and spaces.
      while start < range.upperBound, start - place < 6,
        text[start] == UInt8(ascii: "=") || text[start] == UInt8(ascii: ">")
          || text[start] == UInt8(ascii: " ") || text[start] == UInt8(ascii: "\t")
      {
        start += 1
      }
      if text[start] == UInt8(ascii: "\\") { start += 1 }
      var quote: UInt8?
      if text[start] == UInt8(ascii: "\"") || text[start] == UInt8(ascii: "'") {
        quote = text[start]
        start += 1
      }
      for scheme in ["bearer ", "basic ", "token "] where text.hasIgnoringCase(scheme, at: start) {
        start += scheme.utf8.count
      }
      var end = start
      while end < range.upperBound, !Self.endsValue(text[end], quote) { end += 1 }
      while quote == nil, end > start, text[end - 1] == UInt8(ascii: ".") { end -= 1 }
      guard end > start, end - start <= 512, !Self.isPlaceholder(start, kind, in: text),
        kind.takes(text.bytes(start..<end)),
        text[end] != UInt8(ascii: "("), text[end] != UInt8(ascii: "[")
      else { continue }
      findings.append(Finding(kind: .secret, range: start..<end))
    }
  }

  private static func endsValue(_ byte: UInt8, _ quote: UInt8?) -> Bool {
    if byte == quote || byte.isSpace || byte == UInt8(ascii: "\\") { return true }
    guard quote == nil else { return false }
    switch byte {
    case UInt8(ascii: ","), UInt8(ascii: ";"), UInt8(ascii: ")"), UInt8(ascii: "("),
      UInt8(ascii: "]"), UInt8(ascii: "}"), UInt8(ascii: "<"), UInt8(ascii: ">"),
      UInt8(ascii: "\""), UInt8(ascii: "'"), UInt8(ascii: "`"), UInt8(ascii: "&"),
      UInt8(ascii: "["), UInt8(ascii: "{"), UInt8(ascii: "|"):
      return true
    default: return false
    }
  }

  /// `${NAME}`, `{{name}}`, `<token>`, `%s`, `[EMAIL]`.
  private static func isPlaceholder(
    _ start: Int, _ kind: SecretNames.Kind, in text: Text
  ) -> Bool {
    switch text[start] {
    case UInt8(ascii: "$"), UInt8(ascii: "{"), UInt8(ascii: "<"), UInt8(ascii: "%"),
      UInt8(ascii: "["), UInt8(ascii: "("), UInt8(ascii: "*"):
      true
    // A path.
    case UInt8(ascii: "/"), UInt8(ascii: "."): kind == .password
    default: false
    }
  }

  // MARK: Entropy

  private func findRandom(in text: Text, _ range: Range<Int>, _ findings: inout [Finding]) {
    var place = range.lowerBound
    while place < range.upperBound {
      guard Self.isTokenByte(text[place]) else {
        place += 1
        continue
      }
      var start = place
      let first = place
      while place < range.upperBound, Self.isTokenByte(text[place]) { place += 1 }
      guard place - start >= 20 else { continue }
      while start < place, !text[start].isAlphanumeric { start += 1 }
      var end = place
      while end > start, !text[end - 1].isAlphanumeric { end -= 1 }
      guard end - start >= 20, !isDigest(first, in: text), !isDigest(start, in: text) else {
        continue
      }
      if Randomness(text.bytes(start..<end)).isSecret {
        while end < place || end - place < 2 && text[end] == UInt8(ascii: "=") {
          guard text[end] == UInt8(ascii: "=") else { break }
          end += 1
        }
        findings.append(Finding(kind: .secret, range: start..<end, isGuess: true))
        continue
      }
      // A path with a token in it.
      var part = start
      for index in start...end where index == end || text[index] == UInt8(ascii: "/") {
        if index - part >= 20, Randomness(text.bytes(part..<index)).isSecret {
          findings.append(Finding(kind: .secret, range: part..<index, isGuess: true))
        }
        part = index + 1
      }
    }
  }

  private static func isTokenByte(_ byte: UInt8) -> Bool {
    byte.isWord || byte == UInt8(ascii: "-") || byte == UInt8(ascii: "+")
      || byte == UInt8(ascii: "/")
  }

  /// Whether a hash or an encoded picture follows: `sha512-…`, `SHA256:…`, `h1:…`, `base64,…`.
  private func isDigest(_ start: Int, in text: Text) -> Bool {
    for name in ["sha1-", "sha256-", "sha384-", "sha512-", "md5-"]
    where text.hasIgnoringCase(name, at: start) {
      return true
    }
    return ["base64,", "sha256:", "sha512:", "h1:", "sha256/", "md5:", "sha1:"].contains {
      text.hasIgnoringCase($0, at: start - $0.utf8.count)
    }
  }
}
