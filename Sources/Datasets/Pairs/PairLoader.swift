// B pairs, M micro-batches.

/// Batches of pairs, to learn from and to be evaluated on.
///
/// Pairs of like length come together, so that little of a batch is padding, and the batches of a step
/// are of like length, so that ranks have about the same work. An epoch is a pseudo-random permutation
/// of all pairs that fit, of which the last few (fewer than B M) are left out; sorted by length, those of
/// equal length staying in the permutation's order; cut into steps of M batches of B; and these steps in
/// another pseudo-random order. An epoch's order is found at its first batch, from nothing but the seed:
/// the batch of a (step, micro-batch) depends on the files, the shapes and the seed alone, and any rank
/// can ask for any of them, in any order.
public final class PairLoader {
  public let file: PairFile
  /// B, pairs in a micro-batch.
  public let sequences: Int
  /// M, micro-batches in an optimiser step, over all ranks.
  public let microbatches: Int
  /// The pairs that fit the context, in the file's order.
  private let fitting: [Int32]
  private let seed: UInt64
  /// The newest epoch.
  private var epoch: Epoch?

  /// - Parameters:
  ///   - sequences: B.
  ///   - context: The most tokens of a text, end included; longer pairs are left out.
  ///   - microbatches: M. Default: 1.
  ///   - seed: Decides the order. Default: 0.
  ///   - requiresFullStep: Whether fewer than B M pairs are too few; if not, only none. Default: true.
  /// - Throws: `PairError.tooFewPairs`.
  public init(
    _ file: PairFile, sequences: Int, context: Int, microbatches: Int = 1, seed: UInt64 = 0,
    requiresFullStep: Bool = true
  ) throws(PairError) {
    precondition(
      sequences > 0 && microbatches > 0,
      "a batch has at least one pair, and a step one micro-batch")
    self.file = file
    self.sequences = sequences
    self.microbatches = microbatches
    self.seed = seed
    fitting = file.pairs(fitting: context)
    let least = requiresFullStep ? sequences * microbatches : 1
    guard fitting.count >= least else {
      throw .tooFewPairs(
        path: file.source.path, fitting: fitting.count, count: file.count, context: context,
        needed: least)
    }
  }

  /// Pairs that fit the context.
  public var pairCount: Int { fitting.count }

  /// Optimiser steps in an epoch.
  public var stepCount: Int { fitting.count / (sequences * microbatches) }

  /// Target tokens of all pairs that fit.
  public var targetTokenCount: Int {
    fitting.reduce(0) { $0 + file.lengths(of: Int($1)).target }
  }

  /// Fills a batch of (step, micro-batch).
  ///
  /// - Parameters:
  ///   - step: The optimiser step, from zero.
  ///   - microbatch: In 0 ..< M, over all ranks.
  public func fill(_ batch: inout PairBatch, step: Int, microbatch: Int) {
    precondition(step >= 0 && microbatch >= 0 && microbatch < microbatches)
    let (number, place) = step.quotientAndRemainder(dividingBy: stepCount)
    let pairs = epoch(number).steps[place]
    let start = pairs.startIndex + microbatch * sequences
    batch.fill(with: pairs[start..<start + sequences], of: file)
  }

  private struct Epoch {
    let number: Int
    /// The pairs of each step, in the order in which they are learned from.
    let steps: [ArraySlice<Int32>]
  }

  private func epoch(_ number: Int) -> Epoch {
    if let epoch, epoch.number == number { return epoch }
    let key = DrawPurpose.pairs.key(seed: seed, number: UInt64(number))
    let permutation = IndexPermutation(count: fitting.count, key: key)
    let size = sequences * microbatches
    let chosen = (0..<stepCount * size).map { fitting[permutation[$0]] }
    let new = Epoch(number: number, steps: shuffled(chosen, size: size, key: Bits.mixed(key)))
    epoch = new
    return new
  }

  /// Groups of `size` pairs of like length, in pseudo-random order.
  private func shuffled(_ pairs: [Int32], size: Int, key: UInt64) -> [ArraySlice<Int32>] {
    // Sorting by the place last makes the order of equals definite.
    let sorted = pairs.enumerated().map { place, pair in
      let (source, target) = file.lengths(of: Int(pair))
      return (target: target, source: source, place: place, pair: pair)
    }.sorted { ($0.target, $0.source, $0.place) < ($1.target, $1.source, $1.place) }.map(\.pair)
    let cuts = stride(from: 0, to: sorted.count, by: size).map {
      sorted[$0..<min($0 + size, sorted.count)]
    }
    let order = IndexPermutation(count: cuts.count, key: key)
    return cuts.indices.map { cuts[order[$0]] }
  }

  /// All pairs that fit, sorted by length, in one pseudo-random order: the first batches are a
  /// sample of all. The last pairs make a smaller batch.
  private lazy var evaluationBatches = shuffled(fitting, size: sequences, key: 0)

  /// Batches of an evaluation.
  public var evaluationBatchCount: Int { evaluationBatches.count }

  /// Fills a batch of an evaluation.
  ///
  /// - Parameter index: In 0 ..< evaluationBatchCount.
  public func fill(_ batch: inout PairBatch, evaluationBatch index: Int) {
    batch.fill(with: evaluationBatches[index], of: file)
  }
}
