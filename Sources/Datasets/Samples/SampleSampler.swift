/// Which sample is learned from when: each epoch is a pseudo-random permutation of all samples.
///
/// Nothing is stored but the seed: the sample of any place of any step is found in O(1).
public struct SampleSampler: Sendable {
  /// Samples in an epoch.
  public let count: Int
  private let seed: UInt64

  /// - Parameters:
  ///   - count: How many samples there are, at least one.
  ///   - seed: Decides all permutations.
  public init(count: Int, seed: UInt64) {
    precondition(count > 0)
    self.count = count
    self.seed = seed
  }

  /// The sample that is read as number `number` of all that are ever read.
  ///
  /// - Parameter number: (step · M + microbatch) · B + place; see `WindowSampler.sampleIndex`.
  public func sample(_ number: Int) -> Int {
    let (epoch, place) = number.quotientAndRemainder(dividingBy: count)
    let key = DrawPurpose.samples.key(seed: seed, number: UInt64(epoch))
    return IndexPermutation(count: count, key: key)[place]
  }
}
