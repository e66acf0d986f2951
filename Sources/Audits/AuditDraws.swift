import LockstepDatasets
import LockstepPrivacy
import LockstepTensors

/// All that an audit draws at random: a function of its seed.
package struct AuditDraws {
  /// What is drawn; the values never change.
  package enum Use: Int {
    case members = 1
    case heldOut
    case halves
    case keys
    case secrets
    case windows
    case candidates
    case outlier
    case direction
  }

  package let seed: UInt64

  package init(seed: UInt64) { self.seed = seed }

  private func stream(_ use: Use, _ number: Int) -> RandomStream {
    RandomStream(seed: seed, purpose: .audit, site: use.rawValue, step: number)
  }

  /// 64 random bits.
  package func word(_ use: Use, _ number: Int = 0, at place: Int = 0) -> UInt64 {
    let words = stream(use, number).words(at: place)
    return UInt64(words.0) << 32 | UInt64(words.1)
  }

  /// A number in 0 ..< bound.
  package func number(below bound: Int, _ use: Use, _ number: Int = 0, at place: Int = 0) -> Int {
    Int(word(use, number, at: place).multipliedFullWidth(by: UInt64(bound)).high)
  }

  /// So many different numbers of a range, or all of it, in random order.
  package func some(_ count: Int, of range: Range<Int>, _ use: Use, _ number: Int = 0) -> [Int] {
    guard !range.isEmpty else { return [] }
    let order = IndexPermutation(count: range.count, key: word(use, number))
    return (0..<min(count, range.count)).map { range.lowerBound + order[$0] }
  }

  /// A key for one private training. It is no secret: the seed alone gives the noise, and nothing that is
  /// trained with it is published.
  package func key(_ number: Int) -> PrivacyKey {
    PrivacyKey(
      bytes: (0..<4).flatMap { place in
        let word = word(.keys, number, at: place)
        return (0..<8).map { UInt8(truncatingIfNeeded: word >> (8 * $0)) }
      })
  }
}
