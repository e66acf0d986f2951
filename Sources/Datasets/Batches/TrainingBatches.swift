/// Where a language model's training batches come from: the batch of any (step, micro-batch), on any
/// rank, in any order.
public protocol TrainingBatches: Sendable {
  /// B, sequences in a micro-batch.
  var sequences: Int { get }
  /// M, micro-batches in an optimiser step, over all ranks.
  var microbatches: Int { get }
  /// T, positions of a sequence.
  var context: Int { get }

  /// Fills a batch, without allocating.
  ///
  /// - Parameters:
  ///   - batch: A batch of shape [B, T].
  ///   - step: The optimiser step, from zero.
  ///   - microbatch: In 0 ..< M, over all ranks.
  func fill(_ batch: inout TokenBatch, step: Int, microbatch: Int)
}

extension TrainingBatches {
  /// A batch of the right shape, [B, T], to be filled.
  public func emptyBatch() -> TokenBatch {
    TokenBatch(sequenceCount: sequences, positionCount: context)
  }

  /// The number of a sequence among all that are ever read.
  ///
  /// - Parameters:
  ///   - step: The optimiser step, from zero.
  ///   - microbatch: In 0 ..< M, over all ranks.
  ///   - sequence: In 0 ..< B.
  public func sampleIndex(step: Int, microbatch: Int, sequence: Int) -> Int {
    WindowSampler.sampleIndex(
      step: step, microbatch: microbatch, sequence: sequence, microbatches: microbatches,
      sequences: sequences)
  }
}

/// Training batches of sequences that can be asked for one by one, none of which has a token of another.
public protocol SampledBatches: TrainingBatches {
  /// n, how many there are.
  var sampleCount: Int { get }

  /// Fills a batch with some of them.
  ///
  /// - Parameters:
  ///   - batch: Becomes as large as these need.
  ///   - samples: At least one, each in 0 ..< n.
  func fill(_ batch: inout TokenBatch, samples: ArraySlice<Int>)
}

/// What a language model is evaluated on, batch by batch.
public protocol HeldOutBatches: Sendable {
  /// B, sequences in a batch.
  var sequences: Int { get }
  /// T, positions of a sequence.
  var context: Int { get }
  /// How many batches there are.
  var count: Int { get }

  /// Fills a batch.
  ///
  /// - Parameters:
  ///   - batch: A batch of shape [B, T], or what this has made of it; it may become smaller where there is
  ///     less to measure.
  ///   - index: In 0 ..< count.
  func fill(_ batch: inout TokenBatch, at index: Int)
}

extension HeldOutBatches {
  /// A batch of the right shape, [B, T], to be filled.
  public func emptyBatch() -> TokenBatch {
    TokenBatch(sequenceCount: sequences, positionCount: context)
  }
}
