/// A whole file in order, for evaluation: every token but the first is a target exactly once.
///
/// The file is cut into windows of T targets, each beginning `stride` tokens after the one before. In
/// all but the first only the last `stride` targets count: the tokens before them are read as
/// context. The last window may have fewer targets, and the last batch fewer sequences: their other
/// positions do not count.
public struct EvaluationBatches: HeldOutBatches {
  /// Where the tokens are.
  public let file: TokenFile
  /// Number of sequences in a batch, B.
  public let sequences: Int
  /// Number of positions of a sequence, T.
  public let context: Int
  /// Number of tokens from one window's beginning to the next one's.
  public let stride: Int
  /// The token between documents that are kept apart; nil: a window is read as one text.
  public let separator: Int32?

  /// - Parameters:
  ///   - file: Where the tokens are.
  ///   - sequences: Number of sequences in a batch, B.
  ///   - context: Number of positions of a sequence, T.
  ///   - stride: In 1 ... T. Less than T gives every target at least T - stride tokens of context, at
  ///     T / stride times the cost. Default: T, windows do not overlap.
  ///   - separator: The token between documents that are kept apart; nil: a window is read as one
  ///     text. Default: nil.
  /// - Throws: `TokenFileError.tooShort` if the file has fewer than two tokens, and so no target.
  public init(
    file: TokenFile, sequences: Int, context: Int, stride: Int? = nil, separator: Int32? = nil
  ) throws(TokenFileError) {
    let stride = stride ?? context
    precondition(sequences > 0 && context > 0 && (1...context).contains(stride))
    guard file.count >= 2 else {
      throw .tooShort(path: file.path, tokenCount: file.count, context: 1)
    }
    self.file = file
    self.sequences = sequences
    self.context = context
    self.stride = stride
    self.separator = separator
  }

  /// Number of targets in the file.
  public var targetCount: Int { file.count - 1 }

  /// Number of windows in the file.
  public var windowCount: Int { 1 + (max(0, targetCount - context) + stride - 1) / stride }

  /// Number of batches in the file.
  public var count: Int { (windowCount + sequences - 1) / sequences }

  /// Fills a batch, without allocating.
  ///
  /// - Parameters:
  ///   - batch: A batch of shape [B, T].
  ///   - index: Which batch of the file, in 0 ..< count.
  public func fill(_ batch: inout TokenBatch, at index: Int) {
    precondition(batch.sequenceCount == sequences && batch.positionCount == context)
    precondition(index >= 0 && index < count)
    for sequence in 0..<sequences {
      let window = index * sequences + sequence
      let start = window * stride
      batch.fill(
        sequence: sequence, from: file, start: start,
        count: window < windowCount ? min(context, targetCount - start) : 0,
        context: window == 0 ? 0 : context - stride)
    }
    if let separator { batch.markDocuments(separator: separator) }
  }

  /// A batch of the file, [B, T].
  public subscript(index: Int) -> TokenBatch {
    var batch = emptyBatch()
    fill(&batch, at: index)
    return batch
  }
}
