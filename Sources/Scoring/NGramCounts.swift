/// How often each sequence of n symbols, words or characters, occurs in a text.
struct NGramCounts {
  /// n symbols and, in the last place, n.
  private typealias Key = SIMD8<UInt32>

  static let longest = 7

  private var counts: [Key: Int] = [:]
  /// How many there are, with repetitions.
  private(set) var total = 0

  /// - Parameters:
  ///   - symbols: The text.
  ///   - order: n, in 1 ... 7.
  init(of symbols: [UInt32], order: Int) {
    precondition(1...Self.longest ~= order, "n-grams of \(order) symbols are not counted")
    guard symbols.count >= order else { return }
    for start in 0...symbols.count - order {
      var key = Key(repeating: 0)
      for place in 0..<order { key[place] = symbols[start + place] }
      key[Self.longest] = UInt32(order)
      counts[key, default: 0] += 1
    }
    total = symbols.count - order + 1
  }

  /// As often as in this or in the other, whichever is more.
  mutating func formUnion(_ other: NGramCounts) {
    counts.merge(other.counts, uniquingKeysWith: max)
    total = counts.values.reduce(0, +)
  }

  /// How many of these n-grams the other text has too, each at most as often as it has it.
  func matches(in other: NGramCounts) -> Int {
    counts.reduce(0) { $0 + min($1.value, other.counts[$1.key] ?? 0) }
  }
}

/// Gives words numbers: equal scalars, equal numbers.
struct WordNumbers {
  private var numbers: [ArraySlice<Unicode.Scalar>: UInt32] = [:]

  mutating func callAsFunction(_ words: [ArraySlice<Unicode.Scalar>]) -> [UInt32] {
    words.map { word in
      if let number = numbers[word] { return number }
      defer { numbers[word] = UInt32(numbers.count) }
      return UInt32(numbers.count)
    }
  }
}
