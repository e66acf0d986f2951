// B samples, F features, C outputs.

import LockstepNeuralNetworks
import LockstepSettings
import LockstepTensors

/// `model.architecture: linear`, which has no keys.
public struct LinearConfiguration: PredictorArchitecture {
  public static let name = "linear"
  public static let documentation = "y = W x + b: linear regression, or softmax regression."

  public init() {}

  public static var fields: [Field<Self>] { [] }

  public func model(sampleShape: Shape, outputs: Int) throws(SampleShapeError) -> any Predictor {
    LinearPredictor(features: sampleShape.count, outputs: outputs)
  }
}

/// y = W x + b: linear regression, or for classes softmax regression.
public struct LinearPredictor: FormulaPredictor {
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

  public var formula: PredictorFormula? {
    guard let bias = linear.bias, bias.shape.count == 1 else { return nil }
    return .linear(weights: linear.weight.tensor.elements, constant: bias.tensor.elements[0])
  }
}

extension Tensor {
  /// Samples as vectors: [B, F] for self [B, ...].
  var flattened: Tensor { reshaped(to: [shape[0], shape.count / max(1, shape[0])]) }
}
