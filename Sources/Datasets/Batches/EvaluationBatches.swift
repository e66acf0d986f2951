/// A whole file in order, for evaluation: every token but the first is a target exactly once.
///
/// The file is cut into windows of T targets, one after the other; the last may have fewer, and so
/// may the last batch have fewer sequences: their other positions do not count.
public struct EvaluationBatches: Sendable {
  /// Where the tokens are.
  public let file: TokenFile
  /// Number of sequences in a batch, B.
  public let sequences: Int
  /// Number of positions of a sequence, T.
  public let context: Int

  /// - Parameters:
  ///   - file: Where the tokens are.
  ///   - sequences: Number of sequences in a batch, B.
  ///   - context: Number of positions of a sequence, T.
  /// - Throws: `TokenFileError.tooShort` if the file has fewer than two tokens, and so no target.
  public init(file: TokenFile, sequences: Int, context: Int) throws(TokenFileError) {
    precondition(sequences > 0 && context > 0)
    guard file.count >= 2 else {
      throw .tooShort(path: file.path, tokenCount: file.count, context: 1)
    }
    self.file = file
    self.sequences = sequences
    self.context = context
  }

  /// Number of targets in the file.
  public var targetCount: Int { file.count - 1 }

  /// Number of windows in the file.
  public var windowCount: Int { (targetCount + context - 1) / context }

  /// Number of batches in the file.
  public var count: Int { (windowCount + sequences - 1) / sequences }

  /// A batch of the right shape, [B, T], to be filled.
  public func emptyBatch() -> TokenBatch {
    TokenBatch(sequenceCount: sequences, positionCount: context)
  }

  /// Fills a batch, without allocating.
  ///
  /// - Parameters:
  ///   - batch: A batch of shape [B, T].
  ///   - index: Which batch of the file, in 0 ..< count.
  public func fill(_ batch: inout TokenBatch, at index: Int) {
    precondition(batch.sequenceCount == sequences && batch.positionCount == context)
    precondition(index >= 0 && index < count)
    for sequence in 0..<sequences {
      let start = (index * sequences + sequence) * context
      batch.fill(
        sequence: sequence, from: file, start: start,
        count: max(0, min(context, targetCount - start)))
    }
  }

  /// A batch of the file, [B, T].
  public subscript(index: Int) -> TokenBatch {
    var batch = emptyBatch()
    fill(&batch, at: index)
    return batch
  }
}
