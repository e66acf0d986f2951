// B samples, F features, C outputs.

import LockstepNeuralNetworks
import LockstepTensors

/// y = W x + b: linear regression, or for classes softmax regression.
public struct LinearPredictor: Predictor {
  let linear: Linear

  /// - Parameters:
  ///   - features: F.
  ///   - outputs: C.
  public init(features: Int, outputs: Int) {
    linear = Linear(
      inputs: features, outputs: outputs, initializer: .zeros, biasInitializer: .zeros)
  }

  /// - Parameter samples: [B, ...], F numbers each.
  /// - Returns: [B, C].
  public func outputs(of samples: Tensor) -> Tensor { linear(samples.flattened) }
}

/// y = θ sin x, of which the amplitude θ is learned: the smallest model there is.
public struct SineWave: Predictor {
  /// θ, [1, 1].
  let amplitude = Parameter([1, 1], initializer: .zeros)

  public init() {}

  /// - Parameter samples: x in radians, [B, 1].
  /// - Returns: [B, 1].
  public func outputs(of samples: Tensor) -> Tensor {
    samples.sine().linear(weight: amplitude.tensor)
  }
}

extension Tensor {
  /// Samples as vectors: [B, F] for self [B, ...].
  var flattened: Tensor { reshaped(to: [shape[0], shape.count / max(1, shape[0])]) }
}
