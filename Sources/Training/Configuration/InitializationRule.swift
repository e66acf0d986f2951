import LockstepNeuralNetworks
import LockstepOptimization
import LockstepSettings

/// How some parameters are filled before training: an element of `initialization`.
public struct InitializationRule: Configurable {
  public enum Method: String, SettingChoice {
    case xavierUniform = "xavier-uniform"
    case xavierNormal = "xavier-normal"
    case heUniform = "he-uniform"
    case heNormal = "he-normal"
    case normal
    case truncatedNormal = "truncated-normal"
    case uniform
    case orthogonal
    case zeros
    case ones

    public var documentation: String {
      switch self {
      case .xavierUniform: "Uniform with bound scale · √(6 / (inputs + outputs))."
      case .xavierNormal: "Normal with deviation scale · √(2 / (inputs + outputs))."
      case .heUniform: "Uniform with bound scale · √(6 / inputs)."
      case .heNormal: "Normal with deviation scale · √(2 / inputs)."
      case .normal: "Normal with deviation scale."
      case .truncatedNormal: "Normal with deviation scale, without what lies beyond 2 scale."
      case .uniform: "Uniform with bound scale."
      case .orthogonal: "Orthogonal rows or columns of length scale."
      case .zeros: "Zeros."
      case .ones: "All elements are scale."
      }
    }
  }

  /// A pattern of names.
  public var parameters = "*.weight"
  public var method = Method.xavierUniform
  public var scale = 1.0

  public init() {}

  public static var fields: [Field<Self>] {
    [
      Field(
        "parameters", \.parameters, .notEmpty,
        meaning:
          "Pattern of parameter names as in checkpoints: `*` stands for any characters, `?` for one."
      ),
      Field("method", \.method, meaning: "How they are filled."),
      Field("scale", \.scale, .above(0), meaning: "Factor on the values, or their size."),
    ]
  }

  /// The initialiser of a parameter.
  package func initializer(of entry: ParameterStore.Entry) -> Initializer {
    let (inputs, outputs) = entry.fans
    let initializer: Initializer =
      switch method {
      case .xavierUniform: .xavierUniform(inputs: inputs, outputs: outputs)
      case .xavierNormal: .xavierNormal(inputs: inputs, outputs: outputs)
      case .heUniform: .heUniform(inputs: inputs)
      case .heNormal: .heNormal(inputs: inputs)
      case .normal: .normal(deviation: 1)
      case .truncatedNormal: .truncatedNormal(deviation: 1, bound: 2)
      case .uniform: .uniform(bound: 1)
      case .orthogonal: .orthogonal(rows: entry.rowCount)
      case .zeros: .zeros
      case .ones: .ones
      }
    return initializer.scaled(by: Float(scale))
  }
}

extension [InitializationRule] {
  /// The initialisers that the first rule matching a parameter's name asks for, by name.
  ///
  /// - Throws: `ParameterPatternError` for a pattern that matches nothing.
  func initializers(for store: ParameterStore) throws -> [String: Initializer] {
    var chosen: [String: Initializer] = [:]
    for rule in self {
      let matching = store.entries.filter { NamePattern(rule.parameters).matches($0.name) }
      guard !matching.isEmpty else {
        throw ParameterPatternError(
          key: "initialization", pattern: rule.parameters, names: store.entries.map(\.name))
      }
      for entry in matching where chosen[entry.name] == nil {
        chosen[entry.name] = rule.initializer(of: entry)
      }
    }
    return chosen
  }
}
