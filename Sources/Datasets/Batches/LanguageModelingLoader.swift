/// Training batches for a model that predicts the next token.
///
/// The batch of a (step, micro-batch) depends on the file, the shapes and the seed alone: any rank
/// can ask for any of them, in any order.
public struct LanguageModelingLoader: Sendable {
  /// Where the tokens are.
  public let file: TokenFile
  /// Number of sequences in a micro-batch, B.
  public let sequences: Int
  /// Number of micro-batches in an optimiser step, over all ranks, M.
  public let microbatches: Int
  /// Which windows are read when.
  public let sampler: WindowSampler

  /// - Parameters:
  ///   - file: Where the tokens are.
  ///   - sequences: Number of sequences in a micro-batch, B.
  ///   - context: Number of positions of a sequence, T.
  ///   - microbatches: Number of micro-batches in an optimiser step, over all ranks, M.
  ///   - seed: Decides the order in which windows are read.
  /// - Throws: `TokenFileError.tooShort` if the file has fewer than T + 1 tokens.
  public init(
    file: TokenFile, sequences: Int, context: Int, microbatches: Int, seed: UInt64
  ) throws(TokenFileError) {
    precondition(sequences > 0 && microbatches > 0)
    self.file = file
    self.sequences = sequences
    self.microbatches = microbatches
    do throws(WindowSampler.TextTooShort) {
      sampler = try WindowSampler(tokenCount: file.count, context: context, seed: seed)
    } catch {
      throw .tooShort(path: file.path, tokenCount: file.count, context: context)
    }
  }

  /// Number of positions of a sequence, T.
  public var context: Int { sampler.context }

  /// A batch of the right shape, [B, T], to be filled.
  public func emptyBatch() -> TokenBatch {
    TokenBatch(sequenceCount: sequences, positionCount: context)
  }

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
      batch.fill(
        sequence: sequence, from: file, start: sampler.start(ofSample: index), count: context)
    }
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

  /// The batch of a (step, micro-batch), [B, T].
  public func batch(step: Int, microbatch: Int) -> TokenBatch {
    var batch = emptyBatch()
    fill(&batch, step: step, microbatch: microbatch)
    return batch
  }
}
