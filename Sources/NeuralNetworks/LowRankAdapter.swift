// r rank, O outputs, I inputs.

import LockstepTensors

/// What is trained in place of a linear layer's weight, which stays as it is: a change of low rank that is
/// added to what the layer gives (Hu et al., "LoRA: Low-Rank Adaptation of Large Language Models", 2021).
///
///     y = x Wᵀ + b + scale · dropout(x) Dᵀ Uᵀ
///
/// With magnitudes it is the direction of the weight that changes so, and the length of each output's weights
/// is trained by itself (Liu et al., "DoRA: Weight-Decomposed Low-Rank Adaptation", 2024):
///
///     y = m / ‖W + scale · U D‖ · (x Wᵀ + scale · dropout(x) Dᵀ Uᵀ) + b
///
/// An output whose weights are all zero has no direction: it gives b, and stays so.
///
/// Names are those of Hugging Face's `peft`.
public final class LowRankAdapter: Module {
  /// What the adapters of a model have in common.
  public struct Form: Sendable, Equatable {
    /// r.
    public var rank: Int
    /// Factor on the change.
    public var scale: Float
    /// Share of the layer's inputs that the change does not see, in training.
    public var dropout: Float
    /// Whether the lengths of outputs' weights are trained, too.
    public var hasMagnitudes: Bool

    /// - Parameters:
    ///   - rank: r.
    ///   - scale: Factor on the change.
    ///   - dropout: In 0 ..< 1. Default: 0.
    ///   - hasMagnitudes: Default: no.
    public init(rank: Int, scale: Float, dropout: Float = 0, hasMagnitudes: Bool = false) {
      self.rank = rank
      self.scale = scale
      self.dropout = dropout
      self.hasMagnitudes = hasMagnitudes
    }
  }

  public let form: Form
  /// D, [r, I].
  let down: Parameter
  /// U, [O, r]; zeros at first, so that training begins with the model as it was.
  let up: Parameter
  /// m, [O]; at first the lengths that the weight has.
  let magnitude: Parameter?

  public static let checkpointNames = [
    "down": "lora_A.weight", "up": "lora_B.weight", "magnitude": "lora_magnitude_vector",
  ]

  init(_ form: Form, inputs: Int, outputs: Int) {
    self.form = form
    down = Parameter([form.rank, inputs], initializer: .linearDefault(inputs: inputs))
    up = Parameter([outputs, form.rank], initializer: .zeros)
    magnitude = form.hasMagnitudes ? Parameter([outputs], initializer: .ones) : nil
    for parameter in [down, up] + (magnitude.map { [$0] } ?? []) { parameter.isOfAdapter = true }
  }

  var change: LowRankChange {
    LowRankChange(
      down: down.tensor, up: up.tensor, scale: form.scale, magnitude: magnitude?.tensor)
  }

  /// What a layer with this adapter gives, before its activation.
  ///
  /// - Parameters:
  ///   - layer: The layer that it belongs to.
  ///   - x: [..., I].
  /// - Returns: [..., O].
  func output(of layer: Linear, for x: Tensor) -> Tensor {
    let change = change
    let added = change.added(for: x.dropout(form.dropout))
    let weight = layer.weight.tensor
    guard let magnitude = change.magnitude else {
      return x.linear(weight: weight, bias: layer.bias?.tensor, layout: layer.layout) + added
    }
    let factors = magnitude / change.divisors(of: weight, layer.layout)
    let stretched = (x.linear(weight: weight, layout: layer.layout) + added)
      .scaledColumns(by: factors)
    return layer.bias.map { stretched.addingToRows($0.tensor) } ?? stretched
  }
}

/// A linear layer of a model that can have an adapter.
public struct AdaptableLayer {
  /// As in checkpoints, without `.weight` at its end: `model.layers.0.self_attn.q_proj`.
  public let name: String
  fileprivate let weight: Parameter

  /// Whether its weight is stored as [inputs, outputs].
  public var storesInputsFirst: Bool { weight.layout == .inputsByOutputs }
}

extension Module {
  /// The linear layers that can have an adapter, in the order of their parameters. A model's head is none:
  /// it is not called as a layer, but multiplied within the loss.
  public var adaptableLayers: [AdaptableLayer] {
    namedParameters.compactMap { name, parameter in
      guard parameter.isOfLinearLayer, name.hasSuffix(Self.weightEnding) else { return nil }
      return AdaptableLayer(
        name: String(name.dropLast(Self.weightEnding.count)), weight: parameter)
    }
  }

  private static var weightEnding: String { ".weight" }

  /// Gives layers an adapter each, and leaves everything else of the module as it is. To be called before a
  /// `ParameterStore` is made.
  ///
  /// - Parameters:
  ///   - layers: Some of `adaptableLayers`, none of them in a head.
  ///   - heads: Names of modules that are trained and stored whole beside the adapter. Default: none.
  public func adapt(
    _ layers: [AdaptableLayer], as form: LowRankAdapter.Form, heads: [String] = []
  ) {
    for (name, parameter) in namedParameters {
      if heads.contains(where: { name.hasPrefix($0 + ".") }) {
        parameter.isOfHead = true
      } else {
        parameter.freeze()
      }
    }
    for layer in layers { layer.weight.adapt(as: form) }
  }

  /// Keeps compactly what is not trained: the matrices of linear layers, of embeddings and of the head, as far
  /// as their rows can be kept so. To be called before a `ParameterStore` is made.
  public func keepFrozen(as form: CompactForm) {
    for (_, parameter) in namedParameters { parameter.keep(as: form) }
  }
}
