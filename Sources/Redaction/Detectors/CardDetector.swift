/// Numbers of payment cards: an issuer's beginning, a length that goes with it, and Luhn's check digit
/// (ISO/IEC 7812), as one group or in the groups that are printed on cards.
enum CardDetector {
  private static let groupings = [
    [4, 4, 4, 4, 3], [4, 4, 4, 4], [4, 6, 5], [4, 6, 4], [4, 5, 6],
  ]

  static func find(_ run: NumberRun, in text: Text, _ findings: inout [Finding]) {
    var first = 0
    while first < run.groups.count {
      let taken = groupCount(run, from: first, in: text)
      if taken > 0 {
        findings.append(
          Finding(
            kind: .card,
            range: run.groups[first].lowerBound..<run.groups[first + taken - 1].upperBound))
      }
      first += max(1, taken)
    }
  }

  /// How many groups from one on are a card's number; 0: none.
  private static func groupCount(_ run: NumberRun, from first: Int, in text: Text) -> Int {
    let group = run.groups[first]
    guard !text[group.lowerBound - 1].isWord, !text[group.upperBound].isWord else {
      return 0
    }
    if 14...19 ~= group.count {
      return isBounded(group, in: text) && isCard(digits([group], in: text)) ? 1 : 0
    }
    for grouping in groupings where first + grouping.count <= run.groups.count {
      let groups = run.groups[first..<first + grouping.count]
      let separators = run.separators[first + 1..<first + grouping.count]
      guard zip(groups, grouping).allSatisfy({ $0.count == $1 }),
        separators.allSatisfy({ $0 == separators.first }),
        separators.first == .space || separators.first == .hyphen,
        isCard(digits(Array(groups), in: text)),
        let last = groups.last, !text[last.upperBound].isWord
      else { continue }
      return grouping.count
    }
    return 0
  }

  /// Not a part of a longer number or identifier.
  private static func isBounded(_ group: Range<Int>, in text: Text) -> Bool {
    let (before, after) = (text[group.lowerBound - 1], text[group.upperBound])
    if after.isWord { return false }
    if before == UInt8(ascii: ".") || before == UInt8(ascii: "-"),
      text[group.lowerBound - 2].isWord
    {
      return false
    }
    return !(after == UInt8(ascii: ".") || after == UInt8(ascii: "-"))
      || !text[group.upperBound + 1].isWord
  }

  private static func digits(_ groups: [Range<Int>], in text: Text) -> [Int] {
    groups.flatMap { $0.map { text[$0].digitValue } }
  }

  private static func isCard(_ digits: [Int]) -> Bool {
    var sum = 0
    for (index, digit) in digits.reversed().enumerated() {
      let value = index % 2 == 1 ? 2 * digit : digit
      sum += value > 9 ? value - 9 : value
    }
    guard sum % 10 == 0 else { return false }
    let six = digits[..<6].reduce(0) { 10 * $0 + $1 }
    return lengths(ofBeginning: six).contains(digits.count)
      && digits.contains { $0 != digits[digits.count - 1] }
  }

  /// Digits of the cards whose numbers begin with these six.
  private static func lengths(ofBeginning six: Int) -> [Int] {
    switch six {
    // Visa.
    case 400_000...499_999: [16, 19]
    // Mastercard.
    case 510_000...559_999, 222_100...272_099: [16]
    // American Express.
    case 340_000...349_999, 370_000...379_999: [15]
    // Diners Club.
    case 300_000...305_999, 360_000...369_999, 380_000...399_999: [14, 16]
    // JCB.
    case 352_800...358_999: [16]
    // Mir, Troy.
    case 220_000...220_499, 979_200...979_299: [16]
    // UnionPay.
    case 620_000...629_999: [16, 17, 18, 19]
    // Discover, RuPay.
    case 601_100...601_199, 644_000...659_999, 600_000...600_999, 608_000...608_999,
      817_200...820_199:
      [16, 19]
    // Maestro, Verve.
    case 500_000...509_999, 560_000...589_999, 630_000...639_999, 670_000...679_999:
      [15, 16, 18, 19]
    default: []
    }
  }
}
