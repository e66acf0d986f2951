// B samples, H rows and W columns of an image, F features of a table's row, C outputs.

import LockstepNeuralNetworks
import LockstepSettings
import LockstepTensors

/// A model that maps a sample to numbers: the scores of its classes (logits), or a value.
public protocol Predictor: Module {
  /// - Parameter samples: [B, H, W] or [B, F].
  /// - Returns: [B, C].
  func outputs(of samples: Tensor) -> Tensor
}

/// Samples that an architecture can not take.
public struct SampleShapeError: UserInputError, Equatable {
  /// The key that names the architecture or the shape.
  public let key: String
  /// What the samples are, and what they would have to be.
  public let reason: String

  public init(key: String, reason: String) {
    self.key = key
    self.reason = reason
  }

  public var description: String { "\(key): \(reason)" }
}
