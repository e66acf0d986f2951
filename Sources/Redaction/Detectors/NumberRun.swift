/// Groups of digits with what may stand between those of a telephone number or a card's.
struct NumberRun {
  /// Signs between two groups.
  struct Separator: OptionSet {
    let rawValue: UInt8
    static let space = Separator(rawValue: 1)
    static let hyphen = Separator(rawValue: 2)
    static let dot = Separator(rawValue: 4)
    static let slash = Separator(rawValue: 8)
    static let open = Separator(rawValue: 16)
    static let close = Separator(rawValue: 32)
  }

  /// From the first digit, sign or parenthesis on.
  private(set) var start = 0
  /// Whether a `+` stands in front of the first group.
  private(set) var hasPlus = false
  /// Bytes of each group.
  private(set) var groups: [Range<Int>] = []
  /// In front of each group; of the first: `open` or nothing.
  private(set) var separators: [Separator] = []

  private static let mostGroups = 12

  /// Reads the run that begins at a place.
  ///
  /// - Returns: Whether there is a group of digits.
  mutating func read(at place: Int, in text: Text, _ most: Int) -> Bool {
    groups.removeAll(keepingCapacity: true)
    separators.removeAll(keepingCapacity: true)
    (start, hasPlus) = (place, false)
    var place = place
    var separator: Separator = []
    if text[place] == UInt8(ascii: "(") {
      separator = .open
      place += 1
    }
    if text[place] == UInt8(ascii: "+") {
      hasPlus = true
      place += 1
    }
    while groups.count < Self.mostGroups {
      let first = place
      while place < most, text[place].isDigit { place += 1 }
      guard place > first else { break }
      groups.append(first..<place)
      separators.append(separator)
      separator = []
      var signs = 0
      var last: Separator?
      while signs < 3, place < most, let (sign, length) = Self.sign(at: place, in: text),
        // A space also behind another sign, as in 089 / 123456.
        sign == .space ? last != .space : !separator.contains(sign)
      {
        separator.insert(sign)
        last = sign
        (place, signs) = (place + length, signs + 1)
      }
      if signs == 0 { break }
    }
    return !groups.isEmpty
  }

  private static func sign(at place: Int, in text: Text) -> (Separator, Int)? {
    switch text[place] {
    case UInt8(ascii: " "): (.space, 1)
    case UInt8(ascii: "-"): (.hyphen, 1)
    case UInt8(ascii: "."): (.dot, 1)
    case UInt8(ascii: "/"): (.slash, 1)
    case UInt8(ascii: "("): (.open, 1)
    case UInt8(ascii: ")"): (.close, 1)
    // A no-break space; a narrow one; hyphens that do not break, and dashes.
    case 0xC2 where text[place + 1] == 0xA0: (.space, 2)
    case 0xE2 where text[place + 1] == 0x80 && text[place + 2] == 0xAF: (.space, 3)
    case 0xE2 where text[place + 1] == 0x80 && 0x90...0x93 ~= text[place + 2]: (.hyphen, 3)
    default: nil
    }
  }

  /// Digits of the groups up to a number.
  func digitCount(_ groupCount: Int) -> Int {
    groups[..<groupCount].reduce(0) { $0 + $1.count }
  }

  /// Whether the three groups from one on are a date: day, month, year or year, month, day.
  func isDate(at first: Int, in text: Text) -> Bool {
    guard first + 2 < groups.count, separators[first + 1] == separators[first + 2],
      [.dot, .hyphen, .slash, .space].contains(separators[first + 1])
    else { return false }
    let counts = (groups[first].count, groups[first + 1].count, groups[first + 2].count)
    let isYearFirst = counts.0 == 4 && counts.1 <= 2 && counts.2 <= 2
    let isYearLast = counts.0 <= 2 && counts.1 <= 2 && (counts.2 == 4 || counts.2 == 2)
    guard isYearFirst || isYearLast else { return false }
    func value(_ index: Int) -> Int {
      groups[first + index].reduce(0) { 10 * $0 + text[$1].digitValue }
    }
    let (a, b, c) = (value(0), value(1), value(2))
    if isYearFirst { return 1000...2999 ~= a && 1...12 ~= b && 1...31 ~= c }
    // Two digits may be the third pair of more.
    let goesOn = first + 3 < groups.count && separators[first + 3] == separators[first + 1]
    let isYear =
      counts.2 == 2 ? separators[first + 1] != .space && !goesOn : 1000...2999 ~= c
    return isYear && (1...31 ~= a && 1...12 ~= b || 1...12 ~= a && 1...31 ~= b)
  }
}
