import LockstepNeuralNetworks
import LockstepSettings

/// The `adapter` section: what is trained in place of the model, which stays as it began.
public struct AdapterConfiguration: Configurable {
  public enum Method: SettingVariants {
    case none
    case lora(LowRankConfiguration)
    case rankStabilized(LowRankConfiguration)
    case dora(LowRankConfiguration)

    public static var variants: [Variant<Self>] {
      [
        Variant("none", "The model itself is trained.", .none),
        Variant(
          "lora",
          "A change of low rank for each target: alpha / rank · B A (Hu et al. 2021).", Self.lora
        ) {
          if case .lora(let keys) = $0 { keys } else { nil }
        },
        Variant(
          "rslora",
          "The same with alpha / √rank, so that higher ranks learn as fast (Kalajdzievski 2023).",
          Self.rankStabilized
        ) {
          if case .rankStabilized(let keys) = $0 { keys } else { nil }
        },
        Variant(
          "dora",
          "As `lora` for the direction of each output's weights; their lengths are trained, too "
            + "(Liu et al. 2024).", Self.dora
        ) {
          if case .dora(let keys) = $0 { keys } else { nil }
        },
      ]
    }
  }

  public var method = Method.none

  public init() {}

  public init(_ method: Method) {
    self.method = method
  }

  public static var fields: [Field<Self>] {
    [
      Field(
        "name", choosing: \.method,
        meaning:
          "Which method. Checkpoints hold the adapter alone, as Hugging Face's `peft` has it.")
    ]
  }

  /// The section with another path of what it begins as.
  func mappingPath(_ transform: (String) -> String) -> AdapterConfiguration {
    var keys = keys ?? LowRankConfiguration()
    keys.from = keys.from.map(transform)
    return switch method {
    case .none: self
    case .lora: Self(.lora(keys))
    case .rankStabilized: Self(.rankStabilized(keys))
    case .dora: Self(.dora(keys))
    }
  }

  /// The keys of the method; nil: there is no adapter.
  public var keys: LowRankConfiguration? {
    switch method {
    case .none: nil
    case .lora(let keys), .rankStabilized(let keys), .dora(let keys): keys
    }
  }

  /// What the adapters of all layers have in common; nil: there are none.
  public var form: LowRankAdapter.Form? {
    guard let keys else { return nil }
    let divisor: Double
    var hasMagnitudes = false
    switch method {
    case .rankStabilized: divisor = Double(keys.rank).squareRoot()
    case .dora:
      divisor = Double(keys.rank)
      hasMagnitudes = true
    case .none, .lora: divisor = Double(keys.rank)
    }
    return LowRankAdapter.Form(
      rank: keys.rank, scale: Float(keys.alpha / divisor), dropout: Float(keys.dropout),
      hasMagnitudes: hasMagnitudes)
  }
}

/// The keys of `adapter` with any method.
public struct LowRankConfiguration: Configurable {
  public var rank = 8
  public var alpha = 16.0
  public var dropout = 0.0
  public var targets = [Self.allLayers]
  /// The directory of an adapter that this one begins as.
  public var from: String?

  /// Stands for all targets there are.
  static let allLayers = "all-linear"

  public init() {}

  public static var fields: [Field<Self>] {
    [
      Field("rank", \.rank, .within(1...65_536), meaning: "Rows of A, and columns of B."),
      Field("alpha", \.alpha, .above(0), meaning: "The size of the change."),
      Field(
        "dropout", \.dropout, .within(0..<1),
        meaning: "Share of a layer's inputs that the change does not see, in training."),
      Field(
        "targets", \.targets, .notEmptyList(each: .notEmpty),
        meaning:
          "The linear layers that get an adapter, by the ends of their names as in `peft`: `q_proj` is "
          + "every `….q_proj`. `*` stands for any characters, `?` for one. `all-linear` is all of them "
          + "but the head."),
      Field(
        "from", \.from, .ifPresent(.path),
        meaning:
          "A directory with an adapter, as `peft` saves it, that this one begins as; `null` begins "
          + "with no change."),
    ]
  }
}
