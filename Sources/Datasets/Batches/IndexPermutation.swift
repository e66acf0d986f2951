/// A pseudo-random permutation of 0 ..< count that gives any element at once.
///
/// A Feistel network permutes the numbers of an even number of bits, of which `count` needs all or
/// nearly all; a result that is not below `count` is permuted again until one is. The network's
/// domain is at most four times `count` (or 16), so an element costs a handful of rounds whatever
/// the count: O(1), and nothing is stored.
///
/// Sources: Luby and Rackoff, "How to construct pseudorandom permutations from pseudorandom
/// functions", 1988; Black and Rogaway, "Ciphers with arbitrary finite domains", 2002 (cycle
/// walking).
package struct IndexPermutation: Sendable {
  private static let roundCount = 8

  /// Number of elements.
  package let count: Int
  private let halfBits: UInt64
  private let halfMask: UInt64
  private let key: UInt64

  /// - Parameters:
  ///   - count: Number of elements, at least one.
  ///   - key: Which permutation.
  package init(count: Int, key: UInt64) {
    precondition(count > 0)
    self.count = count
    let bits = max(4, Int.bitWidth - (count - 1).leadingZeroBitCount)
    halfBits = UInt64((bits + 1) / 2)
    halfMask = 1 << halfBits - 1
    self.key = key
  }

  /// The element at an index.
  ///
  /// - Parameter index: In 0 ..< count.
  package subscript(index: Int) -> Int {
    precondition(index >= 0 && index < count)
    var value = UInt64(index)
    repeat {
      var left = value >> halfBits
      var right = value & halfMask
      for round in 1...Self.roundCount {
        let roundKey = Bits.mixed(key &+ UInt64(round) &* Bits.step)
        (left, right) = (right, left ^ Bits.mixed(right ^ roundKey) & halfMask)
      }
      value = left << halfBits | right
    } while value >= UInt64(count)
    return Int(value)
  }
}

/// Mixing of 64-bit words.
///
/// Source: Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014
/// (SplitMix64).
enum Bits {
  /// The odd number next to 2^64 divided by the golden ratio.
  static let step: UInt64 = 0x9E37_79B9_7F4A_7C15

  /// A bijection under which every bit of the result depends on every bit of the word.
  static func mixed(_ word: UInt64) -> UInt64 {
    var word = word
    word = (word ^ word >> 30) &* 0xBF58_476D_1CE4_E5B9
    word = (word ^ word >> 27) &* 0x94D0_49BB_1331_11EB
    return word ^ word >> 31
  }
}
