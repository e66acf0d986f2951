// B samples.

import LockstepNeuralNetworks
import LockstepSettings
import LockstepTensors

/// `model.architecture: sine`, which has no keys.
public struct SineConfiguration: PredictorArchitecture {
  public static let name = "sine"
  public static let documentation = "y = θ sin x, of one number x in radians."

  public init() {}

  public static var fields: [Field<Self>] { [] }

  public func model(sampleShape: Shape, outputs: Int) throws(SampleShapeError) -> any Predictor {
    guard sampleShape == [1] && outputs == 1 else {
      throw SampleShapeError(
        key: "model.architecture",
        reason: "sine predicts one number from one, not \(outputs) from \(sampleShape)")
    }
    return SineWave()
  }
}

/// y = θ sin x, of which the amplitude θ is learned: the smallest model there is.
public struct SineWave: FormulaPredictor {
  /// θ, [1, 1].
  let amplitude = Parameter([1, 1], initializer: .zeros)

  public init() {}

  /// - Parameter samples: x in radians, [B, 1].
  /// - Returns: [B, 1].
  public func outputs(of samples: Tensor) -> Tensor {
    samples.sine().linear(weight: amplitude.tensor)
  }

  public var formula: PredictorFormula? { .sine(amplitude: amplitude.tensor.elements[0]) }
}
