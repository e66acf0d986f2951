extension LabelledTexts {
  /// What looks like personal data or a secret, and is none.
  mutating func lookalike() -> String {
    switch number(0...9) {
    case 0: dateOrTime()
    case 1: versionOrOutline()
    case 2: hash()
    case 3: bookOrGoods()
    case 4: amount()
    case 5: code()
    case 6: identifier()
    case 7: failedCheck()
    case 8: almostAddress()
    default: prose()
    }
  }

  private mutating func dateOrTime() -> String {
    let (day, month, year) = (number(1...28), number(1...12), number(1950...2030))
    func two(_ value: Int) -> String { value < 10 ? "0\(value)" : "\(value)" }
    let time = "\(two(number(0...23))):\(two(number(0...59)))"
    return pick([
      "\(two(day)).\(two(month)).\(year)", "\(year)-\(two(month))-\(two(day))",
      "\(two(day))/\(two(month))/\(year) \(time)", "\(two(day)).\(two(month)).\(year) \(time)",
      "\(time):\(two(number(0...59)))", "10:20:30", "\(year)-\(two(month))-\(two(day))T\(time):00Z",
      "\(two(day)).\(two(month)).\(year) 12 Uhr", "\(year)\(two(month))\(two(day))",
      "\(time):30.\(digits(3))", "\(year)-\(year + 5)", "01:02:03:04", "16\(digits(8))",
      "17\(digits(11))",
      "\(two(day)) \(two(month)) \(year)",
    ])
  }

  private mutating func versionOrOutline() -> String {
    pick([
      "version 1.2.3.4", "v10.0.1.\(number(0...99))", "Chrome/120.0.0.0",
      "10.0.\(number(10000...30000)).1",
      "Section 3.2.1.4", "release 2.\(number(0...40)).\(number(0...9)).1", "1.3.6.1.4.1.311",
      "swift-6.2.1",
      "§ 4.3.2.1", "libfoo.so.1.2.3", "127.0.0.1", "0.0.0.0", "255.255.255.0", "::1",
    ])
  }

  private mutating func hash() -> String {
    pick([
      hexadecimal(40), hexadecimal(64), hexadecimal(32), hexadecimal(7),
      "sha256:\(hexadecimal(64))",
      "\(hexadecimal(8))-\(hexadecimal(4))-4\(hexadecimal(3))-a\(hexadecimal(3))-\(hexadecimal(12))",
      "sha512-\(characters(Self.base62 + "+/", 86))==", "h1:\(characters(Self.base62 + "+/", 43))=",
      "SHA256:\(characters(Self.base62 + "+/", 43))", "0x\(hexadecimal(16))",
      "data:image/png;base64,\(characters(Self.base62 + "+/", 80))",
      LabelledTexts.grouped(hexadecimal(32), [Int](repeating: 2, count: 16), by: ":"),
    ])
  }

  private mutating func bookOrGoods() -> String {
    let body = "978" + digits(9)
    let sum = body.enumerated().reduce(0) { sum, digit in
      sum + (digit.element.wholeNumberValue ?? 0) * (digit.offset % 2 == 0 ? 1 : 3)
    }
    let isbn = body + "\((10 - sum % 10) % 10)"
    return pick([
      "ISBN \(isbn)", isbn, "978-\(number(0...9))-\(digits(2))-\(digits(6))-\(number(0...9))",
      "0-306-40615-2",
      "ISBN 0306406152", "EAN 40\(digits(11))", "order \(countable(8))", "No. \(countable(10))",
      "ticket #\(countable(7))", "000\(digits(7))", "ISSN 2049-3630", "DOI 10.1000/\(digits(6))",
    ])
  }

  private mutating func amount() -> String {
    pick([
      "\(countable(3)).\(digits(3)).\(digits(3)),00", "$\(countable(3)),\(digits(3)),\(digits(3))",
      "\(countable(1)).\(digits(10))", "\(countable(3)) \(digits(3)) €", "0.\(digits(9))",
      "1e-\(digits(2))",
      "\(countable(3)),\(digits(3)).\(digits(2)) USD", "\(countable(2)) 000 000",
      "3.14159265358979",
      "\(countable(4)) x \(countable(4))", "\(countable(5))-\(countable(5))", "99.\(digits(6)) %",
      "512 256 1024", "12 24 48 96 192", "01 02 03 04 05", "0123456789", "€\(countable(9))",
    ])
  }

  private mutating func code() -> String {
    pick([
      "std::vector<int>::iterator", "x[1::2]", "a[10::2]", "abc::def", "W@x.mean()", "@app.route",
      "icon@2x.png",
      "git@github.com:apple/swift.git", "getElementById2AndReturnTheValue",
      "learning_rate_schedule_2024_final",
      "swift-argument-parser/Sources/ArgumentParser", "npm install react@18.2.0",
      "for(i=0;i<1000000000;i++)",
      "token_count: 12345678", "password = os.environ[\"DB_PASSWORD\"]", "password: ${PASSWORD}",
      "secret: {{ vault.secret }}", "tokenizer: bert-base-uncased-v2", "max_tokens=4096",
      "api_key=<YOUR_KEY>",
      "password=None", "key: value1234567", "kind=RandomForestClassifier2",
      "UTF8ToUTF16ConversionTable",
      "def __init__(self, x1, y1, x2, y2)", "https://example.com/a@b",
      "url = https://example.com/index.html",
      "train.bin:1024:2048", "MACRO_WITH_A_LONG_NAME_2_BE_SURE",
      "model.layers.0.self_attn.q_proj.weight",
    ])
  }

  private mutating func identifier() -> String {
    pick([
      "ID \(countable(9))", "AB-\(digits(4))-\(digits(4))",
      "\(characters("ABCDEFGH", 2))\(digits(10))",
      "WKN \(digits(6))", "\(countable(3))-\(digits(2))-\(digits(4))", "/items/0\(digits(9))",
      "sku_\(digits(12))", "\(hexadecimal(4))-\(hexadecimal(4))", "room 12.03.\(number(100...400))",
      "RFC 2616, 1999", "page 1234-1240", "chr7:140453136-140453137", "MH370", "4K60", "i7-12700K",
    ])
  }

  /// Numbers whose check digits are wrong.
  private mutating func failedCheck() -> String {
    let beginning = "4" + digits(14)
    let wrong = (Self.luhn(beginning) + number(1...9)) % 10
    return pick([
      beginning + "\(wrong)",
      Self.grouped(beginning + "\(wrong)", [4, 4, 4, 4], by: " "), "DE00 1234 5678 9012 3456 78",
      "GB82 WEST 1234 5698 7654 33", "ZZ82 WEST 1234 5698 7654 32", "9\(digits(15))",
    ])
  }

  private mutating func almostAddress() -> String {
    pick([
      "at 5 @ 3.50", "foo@bar", "@username", "user@", "300.1.2.3", "1.2.3", "1.2.3.4.5", "12:34",
      "ab:cd:ef",
      "00:00:00:00:00:00", "20-11-12-10-20-30", "1234.5678.9012", "a.b@c", "me @ example.com",
      "http://host/path",
      "1::2", "12:34:56:78", "g123:4567::1z",
    ])
  }

  private mutating func prose() -> String {
    pick([
      "the year 2024 and 1999", "call me at 5", "phone", "my password is secret", "Ada met grace",
      "Adam Lovelace-Smithson", "tel aviv 1948", "in 1,234,567 cases", "12 of 1000000 people",
      "Hopper, Graceful",
      "\(number(1...9)) 000 inhabitants", "password: required", "token: optional",
      "see 2 Kings 4:12-15",
    ])
  }
}
