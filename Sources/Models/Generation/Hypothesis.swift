import CLockstepKernels

/// A text that a model wrote.
public struct Hypothesis: Sendable, Hashable {
  /// Without the token that ends it.
  public let tokens: [Int32]
  /// Whether the model ended it; otherwise it reached the most tokens that it may have.
  public let hasEnded: Bool
  /// log p of all tokens, the end included, nats.
  public let logProbability: Double

  package init(tokens: [Int32], hasEnded: Bool, logProbability: Double) {
    self.tokens = tokens
    self.hasEnded = hasEnded
    self.logProbability = logProbability
  }

  /// |Y|: its tokens, the end included.
  public var length: Int { tokens.count + (hasEnded ? 1 : 0) }

  /// log p(Y) / |Y|^α, nats.
  ///
  /// - Parameter lengthPenalty: α.
  public func score(lengthPenalty: Double) -> Double {
    logProbability / Self.norm(length: max(1, length), lengthPenalty: lengthPenalty)
  }

  /// |Y|^α, with the same bits on every processor.
  static func norm(length: Int, lengthPenalty: Double) -> Double {
    let length = Double(length)
    return lengthPenalty == 1 ? length : CKernels_exp(lengthPenalty * CKernels_log(length))
  }
}
