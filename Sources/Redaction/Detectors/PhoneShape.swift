/// Whether groups of digits have the shape of a telephone number.
struct PhoneShape {
  let run: NumberRun
  let text: Text
  /// Whether something in front says that it is one.
  let isTold: Bool

  /// Codes of countries by their number of digits (ITU-T E.164).
  private static let oneDigitCodes: Set<Int> = [1, 7]
  private static let twoDigitCodes: Set<Int> = [
    20, 27, 30, 31, 32, 33, 34, 36, 39, 40, 41, 43, 44, 45, 46, 47, 48, 49, 51, 52, 53, 54, 55, 56,
    57, 58, 60, 61, 62, 63, 64, 65, 66, 81, 82, 84, 86, 90, 91, 92, 93, 94, 95, 98,
  ]
  /// The first two digits of those of three.
  private static let threeDigitBeginnings: Set<Int> = [
    21, 22, 23, 24, 25, 26, 29, 35, 37, 38, 42, 50, 59, 67, 68, 69, 80, 85, 87, 88, 96, 97, 99,
  ]

  /// Whether the first groups, so many, are a telephone number.
  func fits(groups count: Int) -> Bool {
    let digits = run.digitCount(count)
    guard 7...16 ~= digits, hasPlainGroups(count) else { return false }
    if run.hasPlus {
      return digits >= (count == 1 ? 9 : 8) && digits <= 15 + optionalZero(count)
        && hasCountryCode(from: 0)
    }
    if isTold { return digits <= 15 && !isYearRange(count) }
    return isInternational(count, digits) || isTrunk(count, digits) || isNorthAmerican(count)
      || isBrazilian(count) || isRussian(count) || isChinese(count)
  }

  private func digit(_ index: Int) -> Int {
    var index = index
    for group in run.groups {
      if index < group.count { return text[group.lowerBound + index].digitValue }
      index -= group.count
    }
    return -1
  }

  private func lengths(_ count: Int) -> [Int] { run.groups[..<count].map(\.count) }

  /// Groups of at least two digits, but for a first one, one behind a country's code, and a (0);
  /// parentheses that close.
  private func hasPlainGroups(_ count: Int) -> Bool {
    var isOpen = false
    for index in 0..<count {
      let separator = run.separators[index]
      if separator.contains(.close) {
        guard isOpen else { return false }
        isOpen = false
      }
      if separator.contains(.open) {
        guard !isOpen else { return false }
        isOpen = true
      }
      let isShort = run.groups[index].count < 2
      // A slash only behind the first groups: 0171/1234567.
      if separator.contains(.slash), index > 1 { return false }
      // +33 6 12 34 56 78
      let followsCountry = index == 1 && (run.hasPlus || digit(0) == 0 && digit(1) == 0)
      if isShort, index > 0, !isOpen, !followsCountry { return false }
    }
    return !isOpen
  }

  /// 1 where there is a (0), which is left out when one calls from abroad.
  private func optionalZero(_ count: Int) -> Int {
    run.groups[..<count].contains { $0.count == 1 && text[$0.lowerBound] == UInt8(ascii: "0") }
      ? 1 : 0
  }

  /// Whether a country's code begins at a digit.
  private func hasCountryCode(from place: Int) -> Bool {
    let two = 10 * digit(place) + digit(place + 1)
    return Self.oneDigitCodes.contains(digit(place)) || Self.twoDigitCodes.contains(two)
      || Self.threeDigitBeginnings.contains(two)
  }

  /// 2010-2015, and numbers like it.
  private func isYearRange(_ count: Int) -> Bool {
    count == 2 && lengths(2) == [4, 4] && 1...2 ~= digit(0) && 1...2 ~= digit(4)
  }

  /// 0049 171 1234567: not without a separator, as numbers that are filled up with zeros are.
  private func isInternational(_ count: Int, _ digits: Int) -> Bool {
    count >= 2 && digits >= 11 && digit(0) == 0 && digit(1) == 0 && digit(2) != 0
      && hasCountryCode(from: 2) && run.groups[0].count <= 5
  }

  /// National numbers that begin with a 0: 0171 1234567, (030) 123456, 06.12.34.56.78, 07700900123.
  private func isTrunk(_ count: Int, _ digits: Int) -> Bool {
    guard digit(0) == 0, digit(1) > 0, 9...12 ~= digits, run.groups[0].count >= 2 else {
      return false
    }
    if count == 1 {
      return 10...11 ~= digits && !isCounting(count) && !isBookNumber(run.groups[0])
    }
    if isCounting(count) { return false }
    let separators = run.separators[1..<count]
    if separators.allSatisfy({ $0 == .dot }) { return lengths(count) == [2, 2, 2, 2, 2] }
    return lengths(count).allSatisfy { $0 <= 9 }
  }

  /// 0123456789 and 01 02 03 04 05.
  private func isCounting(_ count: Int) -> Bool {
    if count == 1 {
      return (1..<run.groups[0].count).allSatisfy { digit($0) == (digit($0 - 1) + 1) % 10 }
    }
    guard lengths(count).allSatisfy({ $0 == 2 }) else { return false }
    let values = (0..<count).map { 10 * digit(2 * $0) + digit(2 * $0 + 1) }
    return (1..<count).allSatisfy { values[$0] == values[$0 - 1] + 1 }
  }

  /// Ten digits whose last one is an ISBN's check digit.
  private func isBookNumber(_ group: Range<Int>) -> Bool {
    guard group.count == 10 else { return false }
    let sum = group.enumerated().reduce(0) { sum, digit in
      sum + (10 - digit.offset) * text[digit.element].digitValue
    }
    return sum % 11 == 0
  }

  /// (202) 555-0143, 202-555-0143, 202.555.0143, 1-800-555-0199.
  private func isNorthAmerican(_ count: Int) -> Bool {
    let hasOne = run.groups[0].count == 1 && digit(0) == 1
    let first = hasOne ? 1 : 0
    guard count == first + 3, Array(lengths(count)[first...]) == [3, 3, 4] else { return false }
    guard digit(first) >= 2, digit(first + 3) >= 2,
      !(digit(first + 1) == 1 && digit(first + 2) == 1)
    else { return false }
    let (area, last) = (run.separators[first + 1], run.separators[first + 2])
    if area.contains(.close) { return true }
    return area == last && (area == .hyphen || area == .dot || hasOne && area == .space)
  }

  /// (11) 91234-5678
  private func isBrazilian(_ count: Int) -> Bool {
    count == 3 && (lengths(3) == [2, 5, 4] || lengths(3) == [2, 4, 4])
      && run.separators[1].contains(.close) && run.separators[2] == .hyphen
  }

  /// 8 (495) 123-45-67
  private func isRussian(_ count: Int) -> Bool {
    digit(0) == 8 && lengths(count) == [1, 3, 3, 2, 2]
  }

  /// 138 1234 5678; without separators between characters that are not ASCII.
  private func isChinese(_ count: Int) -> Bool {
    guard digit(0) == 1, digit(1) >= 3 else { return false }
    if count == 3 { return lengths(3) == [3, 4, 4] && run.separators[1] == run.separators[2] }
    return lengths(count) == [11]
      && (text[run.start - 1] >= 0x80 || text[run.groups[0].upperBound] >= 0x80)
  }
}
