// B sequences, T positions, D width.

import LockstepNeuralNetworks
import LockstepTensors

/// A model that gives each position of a text a state which depends on all others.
public protocol TextEncoder: Module {
  /// The most positions that a sequence can have.
  var context: Int { get }

  /// The states of all positions.
  ///
  /// - Parameters:
  ///   - tokens: [B, T].
  ///   - lengths: Tokens of each text, each in 1 ... T, [B]: what lies behind is not seen, and its own states
  ///     mean nothing; nil: all are texts.
  /// - Returns: [B, T, D].
  func states(of tokens: Indices, lengths: [Int]?) -> Tensor
}

extension TextEncoder {
  /// The states of all positions of texts that fill their sequences.
  ///
  /// - Parameter tokens: [B, T].
  /// - Returns: [B, T, D].
  public func states(of tokens: Indices) -> Tensor { states(of: tokens, lengths: nil) }
}
