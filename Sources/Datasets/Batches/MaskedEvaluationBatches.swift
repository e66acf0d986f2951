/// A whole file in order, with tokens hidden, for evaluation: the same ones each time, whatever the
/// run's seed and the number of sequences in a batch.
///
/// The file is cut into windows of T tokens side by side; what is left at its end is not read. The
/// last batch may have fewer windows: its other sequences have no targets.
public struct MaskedEvaluationBatches: Sendable {
  private let file: TokenFile
  private let sequences: Int
  private let context: Int
  private let masking: TokenMasking

  /// - Parameters:
  ///   - file: Where the tokens are.
  ///   - sequences: Number of sequences in a batch, B.
  ///   - context: Number of positions of a sequence, T.
  ///   - masking: How many tokens are hidden.
  ///   - vocabulary: Which can be.
  /// - Throws: `TokenFileError.tooShort` if the file has fewer than T + 1 tokens.
  public init(
    file: TokenFile, sequences: Int, context: Int, masking: MaskingConfiguration,
    vocabulary: MaskingVocabulary
  ) throws(TokenFileError) {
    guard file.count > context else {
      throw .tooShort(path: file.path, tokenCount: file.count, context: context)
    }
    self.file = file
    self.sequences = sequences
    self.context = context
    self.masking = TokenMasking(masking, vocabulary: vocabulary, seed: 0)
  }

  /// Number of windows in the file.
  public var windowCount: Int { (file.count - 1) / context }

  /// Number of batches in the file.
  public var count: Int { (windowCount + sequences - 1) / sequences }

  /// Positions of a batch whose token is to be predicted, at most.
  public var predictedCount: Int { sequences * masking.count(positions: context) }

  /// A batch of the right shape, [B, T], to be filled.
  public func emptyBatch() -> TokenBatch {
    TokenBatch(sequenceCount: sequences, positionCount: context)
  }

  /// Fills a batch.
  ///
  /// - Parameters:
  ///   - batch: A batch of shape [B, T].
  ///   - index: Which batch of the file, in 0 ..< count.
  public func fill(_ batch: inout TokenBatch, at index: Int) {
    precondition(batch.sequenceCount == sequences && batch.positionCount == context)
    precondition(index >= 0 && index < count)
    for sequence in 0..<sequences {
      let window = index * sequences + sequence
      let isThere = window < windowCount
      batch.fill(
        sequence: sequence, from: file, start: window * context, count: isThere ? context : 0)
      if isThere { masking.mask(&batch, sequence: sequence, number: window) }
    }
  }
}
