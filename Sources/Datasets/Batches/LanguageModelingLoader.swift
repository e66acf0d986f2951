/// Training batches for a model that predicts the next token.
///
/// The batch of a (step, micro-batch) depends on the files, the shapes and the seed alone: any rank
/// can ask for any of them, in any order.
public struct LanguageModelingLoader: SampledBatches {
  /// Which windows of which files are read when.
  public let mixture: TokenMixture
  /// Number of sequences in a micro-batch, B.
  public let sequences: Int
  /// Number of micro-batches in an optimiser step, over all ranks, M.
  public let microbatches: Int
  /// The token between documents that are kept apart; nil: a window is read as one text.
  public let separator: Int32?

  /// - Parameters:
  ///   - mixture: Which windows of which files are read when.
  ///   - sequences: Number of sequences in a micro-batch, B.
  ///   - microbatches: Number of micro-batches in an optimiser step, over all ranks, M.
  ///   - separator: The token between documents that are kept apart; nil: a window is read as one
  ///     text. Default: nil.
  public init(
    _ mixture: TokenMixture, sequences: Int, microbatches: Int, separator: Int32? = nil
  ) {
    precondition(
      sequences > 0 && microbatches > 0,
      "a batch has at least one sequence, and a step one micro-batch")
    self.mixture = mixture
    self.sequences = sequences
    self.microbatches = microbatches
    self.separator = separator
  }

  /// Batches of one file.
  ///
  /// - Parameters:
  ///   - file: Where the tokens are.
  ///   - context: Number of positions of a sequence, T.
  ///   - seed: Decides the order in which windows are read.
  /// - Throws: `TokenFileError.tooShort` if the file has fewer than T + 1 tokens.
  public init(
    file: TokenFile, sequences: Int, context: Int, microbatches: Int, seed: UInt64,
    separator: Int32? = nil
  ) throws(TokenFileError) {
    self.init(
      try TokenMixture([(file: file, weight: 1)], context: context, seed: seed),
      sequences: sequences, microbatches: microbatches, separator: separator)
  }

  /// Number of positions of a sequence, T.
  public var context: Int { mixture.context }

  /// Fills a batch, without allocating.
  ///
  /// - Parameters:
  ///   - batch: A batch of shape [B, T].
  ///   - step: The optimiser step, from zero.
  ///   - microbatch: In 0 ..< M, over all ranks.
  public func fill(_ batch: inout TokenBatch, step: Int, microbatch: Int) {
    precondition(batch.sequenceCount == sequences && batch.positionCount == context)
    precondition(step >= 0 && microbatch >= 0 && microbatch < microbatches)
    for sequence in 0..<sequences {
      let index = sampleIndex(step: step, microbatch: microbatch, sequence: sequence)
      let (file, start) = mixture.window(ofSample: index)
      batch.fill(sequence: sequence, from: file, start: start, count: context)
    }
    if let separator { batch.markDocuments(separator: separator) }
  }

  /// The windows that a text of one file is cut into, none of which has a token of another: of T + 1 tokens each,
  /// and fewer than that are left over at the end.
  public var sampleCount: Int { mixture.parts[0].file.count / (context + 1) }

  public func fill(_ batch: inout TokenBatch, samples: ArraySlice<Int>) {
    precondition(mixture.parts.count == 1, "windows of several files have no common numbers")
    batch.resize(sequences: samples.count, positions: context)
    for (sequence, sample) in samples.enumerated() {
      precondition(0 <= sample && sample < sampleCount, "there is no window \(sample)")
      batch.fill(
        sequence: sequence, from: mixture.parts[0].file, start: sample * (context + 1),
        count: context)
    }
    if let separator { batch.markDocuments(separator: separator) }
  }

  /// The batch of a (step, micro-batch), [B, T].
  public func batch(step: Int, microbatch: Int) -> TokenBatch {
    var batch = emptyBatch()
    fill(&batch, step: step, microbatch: microbatch)
    return batch
  }
}
