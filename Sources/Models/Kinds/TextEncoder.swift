// B sequences, T positions, D width.

import LockstepNeuralNetworks
import LockstepTensors

/// A model that gives each position of a text a state which depends on all others.
public protocol TextEncoder: Module {
  /// The most positions that a sequence can have.
  var context: Int { get }

  /// The states of all positions.
  ///
  /// - Parameter tokens: [B, T].
  /// - Returns: [B, T, D].
  func states(of tokens: Indices) -> Tensor
}
