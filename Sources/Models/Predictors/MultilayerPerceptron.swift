// B samples, F features, C outputs.

import LockstepNeuralNetworks
import LockstepSettings
import LockstepTensors

/// The keys of `model.architecture: mlp`.
public struct MLPConfiguration: PredictorArchitecture {
  public static let name = "mlp"
  public static let documentation =
    "Multilayer perceptron: linear layers with an activation between."

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

  public var summary: String {
    let widths = hidden.map(String.init).joined(separator: "-")
    let dropout = dropout > 0 ? ", dropout \(dropout)" : ""
    return "mlp, hidden \(widths), \(activation.rawValue)\(dropout)"
  }

  public func keptElementCount(sequences: Int, of shape: Shape) -> Double {
    Double(sequences) * hidden.reduce(0.0) { $0 + Double($1) }
  }

  public func model(sampleShape: Shape, outputs: Int) throws(SampleShapeError) -> any Predictor {
    MultilayerPerceptron(self, features: sampleShape.count, outputs: outputs)
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
