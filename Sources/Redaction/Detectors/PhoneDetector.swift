/// Telephone numbers: international ones by their country's code, national ones by their shape or by a word
/// in front of them.
struct PhoneDetector {
  /// Whether the text as a whole stands under a name such as `phone`.
  let isNamed: Bool
  private var run = NumberRun()

  init(isNamed: Bool) { self.isNamed = isNamed }

  /// Finds telephone numbers, and cards' numbers, which are read in the same way.
  ///
  /// - Parameter kinds: Which of both are wanted.
  mutating func find(
    in text: Text, _ range: Range<Int>, _ kinds: Set<RedactionClass>, _ findings: inout [Finding]
  ) {
    let (cards, phones) = (kinds.contains(.card), kinds.contains(.phone))
    var place = range.lowerBound
    while place < range.upperBound {
      let byte = text[place]
      guard
        byte.isDigit
          || (byte == UInt8(ascii: "+") || byte == UInt8(ascii: "("))
            && (text[place + 1].isDigit
              || text[place + 1] == UInt8(ascii: "+") && text[place + 2].isDigit)
      else {
        place += 1
        continue
      }
      // Digits within a word are no number.
      if byte.isDigit, text[place - 1].isWord {
        while place < range.upperBound, text[place].isWord { place += 1 }
        continue
      }
      guard run.read(at: place, in: text, range.upperBound), let last = run.groups.last else {
        place += 1
        continue
      }
      if run.digitCount(run.groups.count) >= 7 {
        if cards { CardDetector.find(run, in: text, &findings) }
        if phones, let skipped = findPhones(in: text, &findings) {
          place = skipped
          continue
        }
      }
      place = last.upperBound
    }
  }

  /// - Returns: Where to go on, if that is within the run.
  private func findPhones(in text: Text, _ findings: inout [Finding]) -> Int? {
    if run.isDate(at: 0, in: text) {
      return run.groups.count > 3 ? run.groups[2].upperBound + 1 : nil
    }
    guard PhoneBounds.mayBegin(run.start, in: text) else {
      return run.groups.count > 1 ? run.groups[0].upperBound + 1 : nil
    }
    let isTold = isNamed || PhoneWords.stand(before: run.start, in: text)
    let shape = PhoneShape(run: run, text: text, isTold: isTold)
    for count in stride(from: run.groups.count, to: 0, by: -1) {
      let end = run.groups[count - 1].upperBound
      guard
        PhoneBounds.mayEnd(
          end, in: text, isSure: isTold || run.hasPlus,
          beginsAsNumber: text[run.start] == UInt8(ascii: "0")
            || text[run.start] == UInt8(ascii: "(")),
        shape.fits(groups: count)
      else { continue }
      findings.append(Finding(kind: .phone, range: run.start..<end))
      return end
    }
    // The parenthesis of a sentence.
    if text[run.start] == UInt8(ascii: "(") { return run.start + 1 }
    return run.groups.count > 1 && !run.hasPlus ? run.groups[0].upperBound + 1 : nil
  }
}

/// What may stand beside a telephone number.
enum PhoneBounds {
  static func mayBegin(_ start: Int, in text: Text) -> Bool {
    let (before, second) = (text[start - 1], text[start - 2])
    if before.isWord { return false }
    // In the middle of groups of four.
    if before == UInt8(ascii: " "), second.isDigit,
      (0..<4).allSatisfy({ text[start - 5 + $0].isDigit && text[start + $0].isDigit }),
      !text[start - 6].isDigit, !text[start + 4].isDigit
    {
      return false
    }
    switch before {
    case UInt8(ascii: "$"), UInt8(ascii: "#"), UInt8(ascii: "+"), UInt8(ascii: "&"),
      UInt8(ascii: "%"), UInt8(ascii: "@"), UInt8(ascii: "\\"), UInt8(ascii: "^"),
      UInt8(ascii: "*"), UInt8(ascii: "["):
      return false
    case UInt8(ascii: "-"): return !second.isWord && second != UInt8(ascii: "-")
    case UInt8(ascii: "."), UInt8(ascii: ","), UInt8(ascii: ":"): return !second.isDigit
    case UInt8(ascii: "/"): return second.isSpace
    case UInt8(ascii: "="): return !second.isSpace && second != UInt8(ascii: "=")
    // € and £.
    case 0xAC: return !text.has("€", at: start - 3)
    case 0xA3: return second != 0xC2
    default: return true
    }
  }

  /// A remark may follow without a space: `tel 030 1234567-office`, `0171 1234567(mobile)`.
  ///
  /// - Parameters:
  ///   - isSure: Whether a word or a `+` in front tells that it is a telephone number.
  ///   - beginsAsNumber: Whether it begins with 0 or a code in parentheses, as what is computed with does not.
  static func mayEnd(_ end: Int, in text: Text, isSure: Bool, beginsAsNumber: Bool) -> Bool {
    let (after, second) = (text[end], text[end + 1])
    if after.isWord { return false }
    switch after {
    case UInt8(ascii: "%"), UInt8(ascii: "@"): return false
    case UInt8(ascii: "("), UInt8(ascii: "["): return isSure || beginsAsNumber
    case UInt8(ascii: "."), UInt8(ascii: ","), UInt8(ascii: ":"), UInt8(ascii: "/"):
      return !second.isDigit
    case UInt8(ascii: "-"): return isSure ? !second.isDigit : !second.isWord
    // € behind a sum.
    case 0xE2: return !text.has("€", at: end)
    case UInt8(ascii: " "): return !text.has("€", at: end + 1)
    default: return true
    }
  }
}

/// Words that tell that a telephone number follows.
enum PhoneWords {
  private static let words = [
    "tel", "telephone", "phone", "mobile", "cell", "cellphone", "fax", "whatsapp", "telefon",
    "handy",
    "mobil", "telefax", "téléphone", "teléfono", "telefono", "cellulare", "celular", "telefone",
    "móvil", "telefoon", "mobiel", "telefonnummer", "handynummer", "rufnummer", "phonenumber",
    "phone number",
    "telf", "тел", "Тел", "Телефон", "ТЕЛ", "телефон", "电话", "手机", "電話", "携帯", "전화", "☎", "📞",
    "phone_number", "msisdn",
    "phone no", "contact number", "call me at", "call us at", "call me on", "text me at",
  ]
  /// Words by their last byte, so that few are compared.
  private static let byLastByte = Dictionary(grouping: words) { $0.utf8.last ?? 0 }
  /// How far in front of a number its word may end, in bytes.
  private static let distance = 14

  static func stand(before start: Int, in text: Text) -> Bool {
    var place = start - 1
    while place >= 0, start - place <= distance {
      let byte = text[place]
      if byte.isDigit || byte == UInt8(ascii: "\n") || byte == UInt8(ascii: ";") { return false }
      if ends(at: place + 1, in: text) { return true }
      place -= 1
    }
    return false
  }

  /// Whether a name of a value is such a word, or ends with it: `phone`, `home_phone`, `contactPhone`.
  static func name(_ name: Text) -> Bool {
    var end = name.count
    while end > 0 {
      if ends(at: end, in: name) { return true }
      // home_phone_1, phone number
      let byte = name[end - 1]
      guard byte.isDigit || !byte.isWord || byte == UInt8(ascii: "_") else { return false }
      end -= 1
    }
    return false
  }

  private static func ends(at end: Int, in text: Text) -> Bool {
    guard !text[end].isLetter else { return false }
    guard let candidates = byLastByte[text[end - 1].lowercased] else { return false }
    return candidates.contains { word in
      let start = end - word.utf8.count
      guard text.hasIgnoringCase(word, at: start) else { return false }
      let before = text[start - 1]
      return !before.isAlphanumeric || before.isLower && text[start].isUpper
    }
  }
}
