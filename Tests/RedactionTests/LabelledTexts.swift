import LockstepRedaction
import TestSupport

/// A line, and what redaction should make of it.
struct LabelledLine {
  var text: String
  var expected: String
  /// The class of what is in it; nil where nothing is to be found.
  var kind: RedactionClass?
}

/// Makes lines with personal data in many spellings, and lines with what looks like it and is none.
struct LabelledTexts {
  private var generator: SeededGenerator

  init(seed: UInt64) { generator = SeededGenerator(seed: seed) }

  // MARK: Draws

  mutating func pick<Element>(_ elements: [Element]) -> Element {
    elements[Int.random(in: 0..<elements.count, using: &generator)]
  }

  mutating func number(_ range: ClosedRange<Int>) -> Int {
    Int.random(in: range, using: &generator)
  }

  mutating func characters(_ alphabet: String, _ count: Int) -> String {
    let all = Array(alphabet)
    return String((0..<count).map { _ in pick(all) })
  }

  mutating func digits(_ count: Int) -> String { characters("0123456789", count) }

  /// Digits, the first of which is not 0.
  mutating func countable(_ count: Int) -> String { characters("123456789", 1) + digits(count - 1) }

  mutating func hexadecimal(_ count: Int) -> String { characters("0123456789abcdef", count) }

  static let base62 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
  static let upperBase = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"

  mutating func word() -> String {
    pick([
      "house", "garden", "invoice", "Müller", "project", "река", "answer", "train", "winter",
      "schöne", "delivery", "meeting", "order", "list", "weather", "été", "report", "客户", "people",
    ])
  }

  mutating func words(_ count: Int) -> String {
    (0..<count).map { _ in word() }.joined(separator: " ")
  }

  // MARK: Lines

  /// A line with one thing to be found.
  mutating func positive(_ kind: RedactionClass) -> LabelledLine {
    let value = value(kind)
    let (before, after) = surroundings(of: kind)
    let front = value.lead.isEmpty ? before : value.lead
    // A URL goes on.
    let behind = kind == .credentials ? "@" + pick(["host", "db.example.com:5432/x"]) : ""
    return LabelledLine(
      text: front + value.text + behind + after,
      expected: front + "[\(kind.label)]" + behind + after, kind: kind)
  }

  /// A line in which nothing is to be found.
  mutating func negative() -> LabelledLine {
    let text = words(number(0...3)) + " " + lookalike() + pick([" ", ", ", "; ", " - "]) + words(2)
    return LabelledLine(text: text, expected: text, kind: nil)
  }

  private mutating func surroundings(of kind: RedactionClass) -> (String, String) {
    let before = pick([
      "", "\(word()) ", "\(words(3)): ", "(", "<", "\"", "\(word()), ", "- ", "\t",
    ])
    // A password may end with any sign.
    let others = kind == .secret ? [] : [">", "?"]
    let after = pick(
      ["", ".", ", \(word())", ")", "\"", " \(words(3))", ";", "\t\(word())"] + others)
    return (before, after)
  }

  /// A value; where `lead` is not empty it must stand in front, since the value is ambiguous without.
  mutating func value(_ kind: RedactionClass) -> (lead: String, text: String) {
    switch kind {
    case .email: ("", email())
    case .phone: phone()
    case .card: ("", card())
    case .iban: ("", iban())
    case .ip: ("", address())
    case .mac: ("", hardwareAddress())
    case .credentials:
      (pick(["https://", "see ftp://", "postgres://", "git+ssh://"]), credentials())
    case .secret: secret()
    case .name:
      ("", pick(["Ada Lovelace", "ADA LOVELACE", "Grace Hopper", "O'Brien", "José Núñez"]))
    case .privateKey:
      (
        "",
        "-----BEGIN RSA PRIVATE KEY-----\\n" + characters(Self.base62 + "+/", 64) + "\\n"
          + "-----END RSA PRIVATE KEY-----"
      )
    }
  }

  private mutating func email() -> String {
    let local = pick([
      "anna.schmidt", "j.r.r.tolkien", "info", "max+news", "x", "user_\(number(1...999))", "o'hara",
      "a-b", "jürgen", "SALES", "\(number(100...999))abc", "user%tag", "first.last.third",
    ])
    let domain = pick([
      "example.com", "mail.example.co.uk", "uni-köln.de", "firma.io", "a.b.c.museum", "x1.org",
      "posteo.net", "xn--bcher-kva.example", "example.photography", "HOST.EDU",
      "sub-domain.example.fr",
    ])
    return local + "@" + domain
  }

  private mutating func phone() -> (String, String) {
    let plain = [
      "+49 \(countable(3)) \(digits(7))", "+49 (0) \(countable(2)) \(digits(6))",
      "+1-\(area())-555-0\(digits(3))", "+1 (\(area())) 555-0\(digits(3))",
      "+44 20 7946 0\(digits(3))",
      "+33 6 \(digits(2)) \(digits(2)) \(digits(2)) \(digits(2))", "+8613\(digits(9))",
      "+55 11 9\(digits(4))-\(digits(4))", "+7 495 \(digits(3))-\(digits(2))-\(digits(2))",
      "+41\u{A0}44\u{A0}\(digits(3))\u{A0}\(digits(2))\u{A0}\(digits(2))",
      "(\(area())) 555-0\(digits(3))", "\(area())-555-0\(digits(3))", "\(area()).555.0\(digits(3))",
      "1-800-555-0\(digits(3))", "0049 \(countable(3)) \(digits(7))", "00 44 7700 9\(digits(5))",
      "0171 \(digits(7))", "0171/\(digits(7))", "0171-\(digits(7))",
      "(030) \(countable(2)) \(digits(4))",
      "030 \(countable(8))", "089 / \(countable(6))",
      "06 \(digits(2)) \(digits(2)) \(digits(2)) \(digits(2))",
      "06.\(digits(2)).\(digits(2)).\(digits(2)).\(digits(2))", "020 7946 0\(digits(3))",
      "07700 900\(digits(3))", "07700900\(digits(3))", "044 \(digits(3)) \(digits(2)) \(digits(2))",
      "08-\(countable(3)) \(digits(3)) \(digits(2))", "020-\(countable(7))",
      "090-\(digits(4))-\(digits(4))",
      "(02) 9\(digits(3)) \(digits(4))", "(11) 9\(digits(4))-\(digits(4))",
      "8 (495) \(digits(3))-\(digits(2))-\(digits(2))", "138 \(digits(4)) \(digits(4))",
    ]
    let told = [
      "\(area())555\(digits(4))", "\(countable(3)) \(digits(3)) \(digits(3))",
      "\(countable(2)) \(digits(2)) \(digits(2)) \(digits(2))", "98\(digits(3)) \(digits(5))",
      "\(area()) 555 \(digits(4))", "\(countable(7))",
    ]
    if number(0...5) > 0 { return ("", pick(plain)) }
    return (
      pick(["Tel. ", "phone: ", "Mobile ", "Fax: ", "Telefon ", "手机：", "Тел.: "]), pick(told)
    )
  }

  private mutating func area() -> String { characters("23456789", 1) + characters("02345678", 2) }

  /// A number whose last digit is Luhn's.
  private mutating func card() -> String {
    let kinds: [(String, Int, [Int])] = [
      ("4", 16, [4, 4, 4, 4]), ("5\(number(1...5))", 16, [4, 4, 4, 4]), ("37", 15, [4, 6, 5]),
      ("6011", 16, [4, 4, 4, 4]), ("36", 14, [4, 6, 4]), ("3530", 16, [4, 4, 4, 4]),

      ("2221", 16, [4, 4, 4, 4]), ("62", 19, [4, 4, 4, 4, 3]),
    ]
    let (beginning, count, groups) = pick(kinds)
    var number = beginning + digits(count - beginning.count - 1)
    number += "\(Self.luhn(number))"
    return Self.grouped(number, groups, by: pick(["", " ", "-"]))
  }

  static func luhn(_ digits: String) -> Int {
    let sum = digits.reversed().enumerated().reduce(0) { sum, digit in
      let value = digit.element.wholeNumberValue ?? 0
      let twice = 2 * value
      return sum + (digit.offset % 2 == 0 ? (twice > 9 ? twice - 9 : twice) : value)
    }
    return (10 - sum % 10) % 10
  }

  static func grouped(_ text: String, _ groups: [Int], by separator: String) -> String {
    var rest = text[...]
    return groups.map { count in
      defer { rest = rest.dropFirst(count) }
      return String(rest.prefix(count))
    }.joined(separator: separator)
  }

  private mutating func iban() -> String {
    let account: (String, String) = pick([
      ("DE", digits(18)), ("GB", characters("ABCDEFGHIJKLMNOPQRSTUVWXYZ", 4) + digits(14)),
      ("FR", digits(10) + characters(Self.upperBase, 11) + digits(2)), ("CH", digits(17)),
      ("NL", characters("ABCDEFGHIJKLMNOPQRSTUVWXYZ", 4) + digits(10)), ("ES", digits(20)),
      ("NO", digits(11)), ("MT", "MALT" + digits(5) + characters(Self.upperBase, 18)),
    ])
    var rest = 0
    for character in account.1 + account.0 + "00" {
      let value = character.wholeNumberValue ?? Int(character.asciiValue ?? 0) - 55
      rest = (rest * (value > 9 ? 100 : 10) + value) % 97
    }
    let check = 98 - rest
    let whole = account.0 + (check < 10 ? "0" : "") + "\(check)" + account.1
    switch number(0...2) {
    case 0: return whole
    case 1: return whole.lowercased()
    default:
      let groups = [Int](repeating: 4, count: whole.count / 4) + [whole.count % 4].filter { $0 > 0 }
      return Self.grouped(whole, groups, by: " ")
    }
  }

  private mutating func address() -> String {
    switch number(0...5) {
    case 0...2:
      "\(number(1...126)).\(number(0...255)).\(number(0...255)).\(number(1...254))"
    case 3: "2001:db8:\(hexadecimal(4))::\(number(1...9))"
    case 4:
      "fd\(hexadecimal(2)):" + (0..<7).map { _ in hexadecimal(4) }.joined(separator: ":")
    default: "fe80::\(hexadecimal(4)):\(hexadecimal(3))a"
    }
  }

  private mutating func hardwareAddress() -> String {
    let text = "a" + hexadecimal(10) + "\(number(1...9))"
    switch number(0...3) {
    case 0: return Self.grouped(text, [2, 2, 2, 2, 2, 2], by: ":")
    case 1: return Self.grouped(text.uppercased(), [2, 2, 2, 2, 2, 2], by: ":")
    case 2: return Self.grouped(text, [2, 2, 2, 2, 2, 2], by: "-")
    default: return Self.grouped(text, [4, 4, 4], by: ".")
    }
  }

  private mutating func credentials() -> String {
    pick(["user", "anna", "bot%40corp"]) + pick(["", ":hunter2", ":p4ss-w0rd!"])
  }

  private mutating func secret() -> (String, String) {
    let known = [
      "AKIA" + characters("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", 15) + "7",
      "ghp_" + characters(Self.base62, 36),
      "sk_live_" + characters(Self.base62, 24), "xoxb-\(digits(12))-\(characters(Self.base62, 24))",
      "AIza" + characters(Self.base62 + "_-", 34) + "x", "hf_" + characters(Self.base62, 34),
      "glpat-" + characters(Self.base62, 20), "npm_" + characters(Self.base62, 36),
      "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0." + characters(Self.base62, 43),
    ]
    let given = [
      characters(Self.base62, 16) + "1a", hexadecimal(31) + "7",
      characters(Self.base62 + "+/", 40) + "0b",
    ]
    switch number(0...3) {
    case 0:
      return (
        pick(["api_key = ", "API-KEY: ", "secret: ", "client_secret=", "auth_token: "]), pick(given)
      )
    case 1:
      return (
        pick(["password: ", "PASSWORD=", "db_password = "]),
        pick(["Sommer2024!", "hunter22", "pa$$w0rd1"])
      )
    case 2: return ("", characters(Self.base62, number(32...64)) + "7")
    default: return ("", pick(known))
    }
  }
}
