import Foundation

/// How random the characters of a token look.
struct Randomness {
  private(set) var lower = 0
  private(set) var upper = 0
  private(set) var digits = 0
  private(set) var others = 0
  /// Letters and digits without those beyond F.
  private(set) var isHexadecimal = true
  /// Pieces that a reader would see: words of camel case, numbers, abbreviations.
  private(set) var pieces = 1
  /// Pairs of letters, and those of them that are usual in English words and program's names.
  private(set) var pairs = 0
  private(set) var usualPairs = 0
  private let count: Int
  private var frequencies = [Int](repeating: 0, count: 128)

  /// For each letter, the letters that usually follow it, bit 0 for A: 232 of the 676 pairs, with 96.5 % of
  /// all pairs in English documents and Swift programs.
  private static let followers: [UInt32] = [
    0x13E_B96E, 0x110_4911, 0x01A_4D91, 0x01C_4119, 0x1AF_B97D, 0x01A_4931, 0x016_2190, 0x00A_4111,
    0x22E_F87F, 0x000_0000, 0x004_0010, 0x11C_4939, 0x010_D113, 0x13C_E57D, 0x07E_FD6F, 0x01E_C911,
    0x010_0000, 0x11E_755D, 0x05C_C595, 0x11E_C195, 0x00E_B937, 0x000_0111, 0x004_4191, 0x008_8000,
    0x00C_8000, 0x000_0010,
  ]

  init(_ bytes: UnsafeBufferPointer<UInt8>) {
    count = bytes.count
    var previous: UInt8 = 0
    for byte in bytes {
      if byte < 0x80 { frequencies[Int(byte)] += 1 }
      if byte.isLower {
        lower += 1
      } else if byte.isUpper {
        upper += 1
      } else if byte.isDigit {
        digits += 1
      } else {
        others += 1
      }
      if !byte.isHexadecimal, byte != UInt8(ascii: "-") { isHexadecimal = false }
      if byte.isLetter, previous.isLetter {
        pairs += 1
        let (first, second) = (Int(previous | 0x20) - 0x61, UInt32(byte | 0x20) - 0x61)
        if Self.followers[first] >> second & 1 == 1 { usualPairs += 1 }
      }
      if previous != 0, Self.isBorder(previous, byte) { pieces += 1 }
      previous = byte
    }
  }

  private static func isBorder(_ first: UInt8, _ second: UInt8) -> Bool {
    if first.isLetter && second.isLetter { return first.isLower && second.isUpper }
    return first.isDigit != second.isDigit || first.isLetter != second.isLetter
  }

  /// Shannon's entropy of the token's own characters, in bits a character.
  var entropy: Double {
    frequencies.reduce(0) { sum, frequency in
      guard frequency > 0 else { return sum }
      let share = Double(frequency) / Double(count)
      return sum - share * log2(share)
    }
  }

  /// The share of usual pairs among those of letters; of too few pairs none is known.
  private var wordShare: Double { pairs < 5 ? 0 : Double(usualPairs) / Double(pairs) }

  /// Whether a token on its own is taken for a secret.
  var isSecret: Bool {
    guard count >= 20, !isHexadecimal, digits >= 1, others * 4 <= count, wordShare < 0.72,
      Double(pieces) >= 0.2 * Double(count), entropy >= 3.3
    else { return false }
    if upper >= 2 && lower >= 2 { return true }
    return count >= 24 && digits >= 4 && lower + upper >= 8 && others == 0 && entropy >= 3.6
  }

  /// Whether what a name calls a secret or token is one, and no word or name.
  var isKeptSecret: Bool {
    if isHexadecimal { return count >= 16 && digits > 0 && entropy >= 2.5 }
    return count >= 12 && digits > 0 && lower + upper > 0 && wordShare < 0.8 && entropy >= 2.9
  }

  /// Whether what a name calls a password is one: also what people think of.
  var isPassword: Bool {
    count >= 8 && lower + upper > 0 && (digits > 0 || others > 0) && entropy >= 2
  }
}
