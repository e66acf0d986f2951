/// International bank account numbers (ISO 13616): a country's length, and the remainder 1 modulo 97.
enum BankAccountDetector {
  /// Characters of a country's numbers, as SWIFT's registry has them.
  private static let lengths: [String: Int] = [
    "AD": 24, "AE": 23, "AL": 28, "AT": 20, "AZ": 28, "BA": 20, "BE": 16, "BG": 22, "BH": 22,
    "BI": 27, "BR": 29, "BY": 28, "CH": 21, "CR": 22, "CY": 28, "CZ": 24, "DE": 22, "DJ": 27,
    "DK": 18, "DO": 28, "EE": 20, "EG": 29, "ES": 24, "FI": 18, "FK": 18, "FO": 18, "FR": 27,
    "GB": 22, "GE": 22, "GI": 23, "GL": 18, "GR": 27, "GT": 28, "HN": 28, "HR": 21, "HU": 28,
    "IE": 22, "IL": 23, "IQ": 23, "IS": 26, "IT": 27, "JO": 30, "KW": 30, "KZ": 20, "LB": 28,
    "LC": 32, "LI": 21, "LT": 20, "LU": 20, "LV": 21, "LY": 25, "MC": 27, "MD": 24, "ME": 22,
    "MK": 19, "MN": 20, "MR": 27, "MT": 31, "MU": 30, "NI": 28, "NL": 18, "NO": 15, "OM": 23,
    "PK": 24, "PL": 28, "PS": 29, "PT": 25, "QA": 29, "RO": 24, "RS": 22, "RU": 33, "SA": 24,
    "SC": 31, "SD": 18, "SE": 24, "SI": 19, "SK": 24, "SM": 27, "SO": 23, "ST": 25, "SV": 28,
    "TL": 23, "TN": 24, "TR": 26, "UA": 29, "VA": 22, "VG": 24, "XK": 20, "YE": 30,
  ]

  static func find(in text: Text, _ range: Range<Int>, _ findings: inout [Finding]) {
    for place in range
    where text[place].isLetter && text[place + 1].isLetter && text[place + 2].isDigit
      && text[place + 3].isDigit && !text[place - 1].isWord
    {
      let country = String(
        decoding: text.bytes(place..<place + 2).map { $0 & 0xDF }, as: UTF8.self)
      guard let length = lengths[country],
        let end = end(from: place, of: length, in: text, range.upperBound)
      else { continue }
      findings.append(Finding(kind: .iban, range: place..<end))
    }
  }

  /// Where so many letters and digits end, with at most a space, a no-break space or a hyphen between
  /// two; nil where there are fewer, or the check digits are others.
  private static func end(
    from start: Int, of length: Int, in text: Text, _ most: Int
  ) -> Int? {
    // The first four count as the last ones: their contribution is added at the end.
    var (rest, head) = (0, [UInt8]())
    var (place, taken) = (start, 0)
    while taken < length {
      guard place < most else { return nil }
      let byte = text[place]
      if byte.isAlphanumeric {
        if taken < 4 { head.append(byte) } else { rest = remainder(rest, byte) }
        (place, taken) = (place + 1, taken + 1)
      } else if taken >= 4, byte == UInt8(ascii: " ") || byte == UInt8(ascii: "-"),
        text[place + 1].isAlphanumeric
      {
        place += 1
      } else if taken >= 4, byte == 0xC2, text[place + 1] == 0xA0 {
        place += 2
      } else {
        return nil
      }
    }
    guard !text[place].isWord else { return nil }
    for byte in head { rest = remainder(rest, byte) }
    return rest == 1 ? place : nil
  }

  /// A letter is a number of two digits, from 10 on.
  private static func remainder(_ rest: Int, _ byte: UInt8) -> Int {
    byte.isDigit
      ? (10 * rest + byte.digitValue) % 97
      : (100 * rest + Int(byte & 0xDF) - 0x41 + 10) % 97
  }
}
