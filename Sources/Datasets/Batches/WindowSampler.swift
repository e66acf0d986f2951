import LockstepSettings

/// Which piece of a text each training sequence reads.
///
/// The text is cut into W windows of T + 1 tokens, each beginning at the last token of the one
/// before it, so that every window has T inputs and T targets. An epoch is a pseudo-random
/// permutation of the windows. The cuts themselves move from epoch to epoch: the first window begins
/// at a pseudo-random phase, so that later epochs show the same text in other contexts. For that one
/// window's worth of text is left out of an epoch, at its ends.
///
/// Nothing is stored but the seed: the window of any sequence of any step is found in O(1).
public struct WindowSampler: Sendable {
  /// The text has too few tokens for one window.
  public struct TextTooShort: UserInputError, Equatable {
    /// Number of tokens of the text.
    public var tokenCount: Int
    /// Number of positions of a sequence, T.
    public var context: Int

    public init(tokenCount: Int, context: Int) {
      self.tokenCount = tokenCount
      self.context = context
    }

    public var description: String {
      "\(tokenCount) tokens are too few for a context of \(context), which needs \(context + 1)"
    }
  }

  /// Number of positions of a sequence, T.
  public let context: Int
  /// Number of windows in an epoch, W: one less than fit, but at least one.
  public let windowCount: Int

  /// How many places the first window can begin at.
  private let phaseCount: Int
  private let seed: UInt64

  /// - Parameters:
  ///   - tokenCount: Number of tokens of the text.
  ///   - context: Number of positions of a sequence, T, at least one.
  ///   - seed: Decides all permutations.
  /// - Throws: `TextTooShort` if the text has fewer than T + 1 tokens.
  public init(tokenCount: Int, context: Int, seed: UInt64) throws(TextTooShort) {
    precondition(context > 0)
    guard tokenCount > context else {
      throw TextTooShort(tokenCount: tokenCount, context: context)
    }
    self.context = context
    self.seed = seed
    windowCount = max(1, tokenCount / context - 1)
    phaseCount = tokenCount - windowCount * context
  }

  /// The number of a sequence among all that are ever read:
  /// (step · M + microbatch) · B + sequence.
  ///
  /// - Parameters:
  ///   - step: The optimiser step, from zero.
  ///   - microbatch: In 0 ..< M, over all ranks.
  ///   - sequence: In 0 ..< B.
  ///   - microbatches: Number of micro-batches in an optimiser step, M.
  ///   - sequences: Number of sequences in a micro-batch, B.
  public static func sampleIndex(
    step: Int, microbatch: Int, sequence: Int, microbatches: Int, sequences: Int
  ) -> Int {
    (step * microbatches + microbatch) * sequences + sequence
  }

  /// The epoch that a sample belongs to, from zero.
  public func epoch(ofSample index: Int) -> Int { index / windowCount }

  /// The position in the text of a sample's first token; T more follow it.
  ///
  /// - Parameter index: The sample's number, from zero.
  public func start(ofSample index: Int) -> Int {
    precondition(index >= 0)
    let (epoch, position) = index.quotientAndRemainder(dividingBy: windowCount)
    let window = IndexPermutation(count: windowCount, key: key(of: epoch, use: 0))[position]
    return phase(of: epoch) + window * context
  }

  /// Where the first window of an epoch begins, in 0 ..< `phaseCount`.
  private func phase(of epoch: Int) -> Int {
    Int(key(of: epoch, use: 1).multipliedFullWidth(by: UInt64(phaseCount)).high)
  }

  /// - Parameter use: 0 or 1: which of two independent keys.
  private func key(of epoch: Int, use: UInt64) -> UInt64 {
    DrawPurpose.windows.key(seed: seed, number: UInt64(epoch) &* 2 &+ use)
  }
}
