import Foundation

/// What came of one evaluation on held-out data.
public struct EvaluationRecord: Equatable, Sendable {
  /// Optimiser steps taken.
  public var step: Int
  /// Mean over target tokens, in nats per token.
  public var loss: Double
  /// The loss in bits per byte of the text; nil where bytes mean nothing.
  public var bitsPerByte: Double?
  /// Target tokens looked at.
  public var tokens: Int
  /// Seconds it took.
  public var seconds: Double

  /// exp(loss): as uncertain as a choice among so many tokens.
  public var perplexity: Double { exp(loss) }

  public init(step: Int, loss: Double, bitsPerByte: Double?, tokens: Int, seconds: Double) {
    self.step = step
    self.loss = loss
    self.bitsPerByte = bitsPerByte
    self.tokens = tokens
    self.seconds = seconds
  }
}
