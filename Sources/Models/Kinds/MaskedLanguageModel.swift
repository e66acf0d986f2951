// B sequences, T positions, D width, V vocabulary, N positions whose token is predicted.

import LockstepNeuralNetworks
import LockstepTensors

/// A model that predicts hidden tokens of a text from all others.
public protocol MaskedLanguageModel: TextEncoder {
  /// What the head does with states before it scores tokens.
  ///
  /// - Parameter states: [N, D].
  /// - Returns: [N, D].
  func transformed(_ states: Tensor) -> Tensor

  /// The head: logits = transformed(states) · headWeightᵀ + headBias, [V, D].
  var headWeight: Parameter { get }
  /// [V].
  var headBias: Parameter { get }
}

/// The positions of a batch whose token is to be predicted.
///
/// As many rows as asked for, whatever the number of targets, so that each step takes the same
/// memory: where there are fewer targets, the first position stands there without one.
public struct PredictedPositions {
  /// In a batch's rows, 0 ..< B · T; [N].
  let places: Indices
  /// Negative where there is none; [N].
  public let targets: Indices

  /// - Parameters:
  ///   - targets: One for each position, negative where nothing is to be predicted; [B, T].
  ///   - count: N, at least 1; as many as there are targets where they are more. Default: that.
  public init(_ targets: Indices, count: Int = 1) {
    var places = targets.elements.indices.filter { targets.elements[$0] >= 0 }
    var found = places.map { targets.elements[$0] }
    for _ in places.count..<max(places.count, count) {
      places.append(0)
      found.append(-1)
    }
    self.places = Indices(places.map { Int32($0) }, shape: [places.count])
    self.targets = Indices(found, shape: [found.count])
  }
}

extension MaskedLanguageModel {
  /// What the head scores tokens from.
  ///
  /// - Parameter tokens: [B, T].
  /// - Returns: [N, D].
  public func headStates(of tokens: Indices, at positions: PredictedPositions) -> Tensor {
    let states = states(of: tokens)
    let rows = states.reshaped(to: [states.shape.rows, states.shape.last])  // [B · T, D]
    return transformed(rows.rows(at: positions.places))
  }

  /// The sum over all predicted tokens of -log p(target), in nats.
  ///
  /// - Parameters:
  ///   - states: Of `headStates`, [N, D].
  ///   - positions: Those of the states.
  ///   - labelSmoothing: The share of the target that all tokens have alike. Default: 0.
  /// - Returns: A scalar.
  public func loss(
    ofHeadStates states: Tensor, at positions: PredictedPositions, labelSmoothing: Float = 0
  ) -> Tensor {
    states.linearCrossEntropy(
      weight: headWeight.tensor, bias: headBias.tensor, targets: positions.targets,
      labelSmoothing: labelSmoothing)
  }

  /// - Parameter states: Of `headStates`, [N, D].
  /// - Returns: [N, V].
  public func logits(ofHeadStates states: Tensor) -> Tensor {
    states.linear(weight: headWeight.tensor, bias: headBias.tensor)
  }
}
