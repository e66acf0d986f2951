/// The random numbers of one sequence: each is a function of (seed, purpose, the sequence's number,
/// place) alone, so that any rank and any resumed run draws the same.
struct SequenceDraws {
  private let key: UInt64

  /// - Parameter number: The sequence's number among all that are ever read; see
  ///   `WindowSampler.sampleIndex`.
  init(_ purpose: DrawPurpose, seed: UInt64, number: Int) {
    key = purpose.key(seed: seed, number: UInt64(number))
  }

  /// 64 random bits.
  ///
  /// - Parameters:
  ///   - place: Usually a position of the sequence.
  ///   - use: Which of several independent numbers at that place.
  private func word(at place: Int, use: Int) -> UInt64 {
    Bits.mixed(Bits.mixed(key &+ UInt64(place &+ 1) &* Bits.step) &+ UInt64(use) &* Bits.step)
  }

  /// A number in [0, 1).
  func uniform(at place: Int, use: Int = 0) -> Double {
    Double(word(at: place, use: use) >> 11) * 0x1p-53
  }

  /// A number in 0 ..< count.
  func integer(below count: Int, at place: Int, use: Int = 0) -> Int {
    Int(word(at: place, use: use).multipliedFullWidth(by: UInt64(count)).high)
  }

  /// A permutation of 0 ..< count.
  func permutation(of count: Int, use: Int = 0) -> IndexPermutation {
    IndexPermutation(count: count, key: word(at: -1, use: use))
  }

  /// Cuts 0 ..< length into `parts` pieces of at least one element, all ways being equally likely.
  ///
  /// - Returns: The pieces' lengths.
  func segments(of length: Int, parts: Int, use: Int) -> [Int] {
    precondition(1 <= parts && parts <= length, "\(parts) pieces of \(length) elements")
    guard parts > 1 else { return [length] }
    let places = permutation(of: length - 1, use: use)
    let cuts = (0..<parts - 1).map { places[$0] + 1 }.sorted()
    return zip(cuts + [length], [0] + cuts).map { $0 - $1 }
  }
}
