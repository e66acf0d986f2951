// B pairs, M micro-batches.

/// Batches of pairs, to learn from and to be evaluated on.
///
/// Pairs of like length come together, so that little of a batch is padding. An epoch is a
/// pseudo-random permutation of all pairs that fit, of which the last few (fewer than B) are left out;
/// sorted by length, those of equal length staying in the permutation's order; cut into batches of B;
/// and these batches in another pseudo-random order. An epoch's order is found at its first batch, from
/// nothing but the seed: the batch of a (step, micro-batch) depends on the files, the shapes and the
/// seed alone, and any rank can ask for any of them, in any order.
///
/// Of the micro-batches of a step, long ones stand beside short ones (longest with shortest, and so
/// on inwards), so that ranks have about the same work.
public final class PairLoader {
  public let file: PairFile
  /// B, pairs in a micro-batch.
  public let sequences: Int
  /// M, micro-batches in an optimiser step, over all ranks.
  public let microbatches: Int
  /// The pairs that fit the context, in the file's order.
  private let fitting: [Int32]
  private let seed: UInt64
  /// The newest epochs, oldest first: a step may span two.
  private var epochs: [Epoch] = []

  /// - Parameters:
  ///   - sequences: B.
  ///   - context: The most tokens of a text, end included; longer pairs are left out.
  ///   - microbatches: M. Default: 1.
  ///   - seed: Decides the order. Default: 0.
  ///   - requiresFullBatch: Whether fewer than B pairs are too few; if not, only none. Default: true.
  /// - Throws: `PairError.tooFewPairs`.
  public init(
    _ file: PairFile, sequences: Int, context: Int, microbatches: Int = 1, seed: UInt64 = 0,
    requiresFullBatch: Bool = true
  ) throws(PairError) {
    precondition(sequences > 0 && microbatches > 0)
    self.file = file
    self.sequences = sequences
    self.microbatches = microbatches
    self.seed = seed
    fitting = file.pairs(fitting: context)
    let least = requiresFullBatch ? sequences : 1
    guard fitting.count >= least else {
      throw .tooFewPairs(
        path: file.source.path, fitting: fitting.count, count: file.count, context: context,
        sequences: least)
    }
  }

  /// Pairs that fit the context.
  public var pairCount: Int { fitting.count }

  /// Batches in an epoch.
  public var batchCount: Int { fitting.count / sequences }

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
    let batches = (0..<microbatches).map { self.batch(number: step * microbatches + $0) }
    let byWork = batches.enumerated().sorted {
      ($0.element.work, $0.offset) < ($1.element.work, $1.offset)
    }
    // Shortest, longest, second shortest, second longest, and so on.
    let place =
      microbatch.isMultiple(of: 2) ? microbatch / 2 : microbatches - 1 - microbatch / 2
    let chosen = byWork[place].element
    batch.fill(with: chosen.pairs, of: file, shape: chosen.shape)
  }

  /// The batch that is read as number `number` of all that are ever read, but for the order within
  /// a step.
  private func batch(number: Int) -> Batch {
    let (epoch, place) = number.quotientAndRemainder(dividingBy: batchCount)
    return batch(self.epoch(epoch).batches[place])
  }

  private func batch(_ pairs: ArraySlice<Int32>) -> Batch {
    Batch(pairs: pairs, shape: PairBatchShape(of: pairs, in: file))
  }

  private struct Batch {
    let pairs: ArraySlice<Int32>
    let shape: PairBatchShape

    /// What it takes to compute, about.
    var work: Int { shape.source + shape.target }
  }

  private struct Epoch {
    let number: Int
    /// In the order in which they are learned from.
    let batches: [ArraySlice<Int32>]
  }

  private func epoch(_ number: Int) -> Epoch {
    if let known = epochs.first(where: { $0.number == number }) { return known }
    let key = Bits.mixed(Bits.mixed(seed &+ 3 &* Bits.step) ^ UInt64(number) &* Bits.step)
    let permutation = IndexPermutation(count: fitting.count, key: key)
    let chosen = (0..<batchCount * sequences).map { fitting[permutation[$0]] }
    let epoch = Epoch(number: number, batches: shuffled(chosen, key: Bits.mixed(key)))
    epochs = epochs.suffix(1) + [epoch]
    return epoch
  }

  /// Batches of pairs of like length, in pseudo-random order.
  private func shuffled(_ pairs: [Int32], key: UInt64) -> [ArraySlice<Int32>] {
    // Sorting by the place last makes the order of equals definite.
    let sorted = pairs.enumerated().map { place, pair in
      let (source, target) = file.lengths(of: Int(pair))
      return (target: target, source: source, place: place, pair: pair)
    }.sorted { ($0.target, $0.source, $0.place) < ($1.target, $1.source, $1.place) }.map(\.pair)
    let cuts = stride(from: 0, to: sorted.count, by: sequences).map {
      sorted[$0..<min($0 + sequences, sorted.count)]
    }
    let order = IndexPermutation(count: cuts.count, key: key)
    return cuts.indices.map { cuts[order[$0]] }
  }

  /// All pairs that fit, sorted by length, in one pseudo-random order: the first batches are a
  /// sample of all. The last pairs make a smaller batch.
  private lazy var evaluationBatches = shuffled(fitting, key: 0)

  /// Batches of an evaluation.
  public var evaluationBatchCount: Int { evaluationBatches.count }

  /// Fills a batch of an evaluation.
  ///
  /// - Parameter index: In 0 ..< evaluationBatchCount.
  public func fill(_ batch: inout PairBatch, evaluationBatch index: Int) {
    let chosen = self.batch(evaluationBatches[index])
    batch.fill(with: chosen.pairs, of: file, shape: chosen.shape)
  }
}
