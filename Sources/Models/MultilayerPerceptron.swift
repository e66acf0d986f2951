// B samples, F features, C outputs.

import LockstepNeuralNetworks
import LockstepSettings
import LockstepTensors

/// The keys of `model.architecture: mlp`.
public struct MLPConfiguration: Configurable {
  public var hidden = [10]
  public var activation = ActivationName.relu
  public var dropout = 0.0

  public init() {}

  public init(hidden: [Int], activation: ActivationName = .relu, dropout: Double = 0) {
    self.hidden = hidden
    self.activation = activation
    self.dropout = dropout
  }

  public static var fields: [Field<Self>] {
    [
      Field(
        "hidden", \.hidden, .notEmptyList(each: .within(1...1_048_576)),
        meaning: "Width of each hidden layer, from the input on."),
      Field("activation", \.activation, meaning: "After each hidden layer."),
      Field(
        "dropout", \.dropout, .within(0..<1),
        meaning: "Share of elements dropped after each hidden layer, in training."),
    ]
  }
}

/// The word for an activation.
public enum ActivationName: String, SettingChoice {
  case relu
  case leakyReLU = "leaky-relu"
  case gelu
  case geluTanh = "gelu-tanh"
  case silu
  case tanh

  public var documentation: String {
    switch self {
    case .relu: "max(0, x)."
    case .leakyReLU: "x where positive, else 0.01 x."
    case .gelu: "x Φ(x), Φ the normal distribution function."
    case .geluTanh: "Its approximation by tanh, GPT-2's."
    case .silu: "x / (1 + e⁻ˣ), also called swish."
    case .tanh: "The hyperbolic tangent."
    }
  }

  public var activation: Activation {
    switch self {
    case .relu: .relu
    case .leakyReLU: .leakyRelu(slope: 0.01)
    case .gelu: .gelu
    case .geluTanh: .geluTanh
    case .silu: .silu
    case .tanh: .tanh
    }
  }
}

/// Linear layers with an activation after each but the last.
public struct MultilayerPerceptron: Predictor {
  /// The last gives the outputs.
  let layers: [Linear]
  let dropout: Float

  /// - Parameters:
  ///   - features: F.
  ///   - outputs: C.
  public init(_ configuration: MLPConfiguration, features: Int, outputs: Int) {
    let widths = [features] + configuration.hidden
    let activation = configuration.activation.activation
    layers =
      zip(widths, configuration.hidden).map {
        Linear(inputs: $0, outputs: $1, activation: activation)
      } + [Linear(inputs: widths[widths.count - 1], outputs: outputs)]
    dropout = Float(configuration.dropout)
  }

  /// - Parameter samples: [B, ...], F numbers each.
  /// - Returns: [B, C].
  public func outputs(of samples: Tensor) -> Tensor {
    var x = samples.flattened
    for (index, layer) in layers.dropLast().enumerated() {
      x = layer(x).dropout(dropout).observed(as: "layer \(index)")
    }
    return layers[layers.count - 1](x).observed(as: "outputs")
  }
}
