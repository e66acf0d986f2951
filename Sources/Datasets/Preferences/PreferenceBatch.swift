/// The preferences of one micro-batch: prompts with a chosen answer each, and the same prompts with a
/// rejected one. B sequences, T positions.
public struct PreferenceBatch: Sendable, Equatable {
  /// Where the two sides of a preference are among the batch's positions, B · T, row by row.
  public struct Pair: Sendable, Equatable {
    public var chosen: Range<Int>
    public var rejected: Range<Int>

    public init(chosen: Range<Int>, rejected: Range<Int>) {
      (self.chosen, self.rejected) = (chosen, rejected)
    }
  }

  /// All sides; the targets are the tokens of answers.
  public internal(set) var tokens: TokenBatch
  /// In the order of the data's sequences.
  public internal(set) var pairs: [Pair] = []
}
