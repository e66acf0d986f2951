import LockstepSettings
import LockstepTensors

/// How rotary positions are stretched beyond the lengths that a model first learned with: the
/// `rope_scaling` section.
public struct RotaryScaling: Configurable {
  /// The ways, each with its keys.
  public enum Method: SettingVariants {
    case none
    case linear(Linear)
    case llama3(Llama3)

    public static var variants: [Variant<Self>] {
      [
        Variant("none", "Positions as they are.", Method.none),
        Variant(
          "linear", "All positions closer together (Chen et al. 2023).", Method.linear,
          { if case .linear(let keys) = $0 { keys } else { nil } }),
        Variant(
          "llama3",
          "Slow turns slower, fast ones as they are, those between by a share of both: Llama 3.1's.",
          Method.llama3, { if case .llama3(let keys) = $0 { keys } else { nil } }),
      ]
    }
  }

  public var method = Method.none

  public init() {}

  public init(_ method: Method) {
    self.method = method
  }

  public static var shorthandKey: String? { "name" }

  public static var fields: [Field<Self>] {
    [Field("name", choosing: \.method, meaning: "How rotary positions are stretched.")]
  }

  /// How fast the pairs of a head's elements turn.
  ///
  /// - Parameters:
  ///   - base: Of the frequencies that are stretched.
  ///   - headWidth: K, an even number.
  /// - Returns: K / 2 numbers, in the single-precision arithmetic of `transformers`.
  public func frequencies(base: Double, headWidth: Int) -> RotaryFrequencies {
    let plain = RotaryFrequencies(base: base, headWidth: headWidth)
    switch method {
    case .none: return plain
    case .linear(let keys): return RotaryFrequencies(plain.values.map { $0 / Float(keys.factor) })
    case .llama3(let keys): return RotaryFrequencies(plain.values.map(keys.stretched))
    }
  }

  /// For people; nil: nothing is stretched.
  var summary: String? {
    switch method {
    case .none: nil
    case .linear(let keys): "positions \(keys.factor) times closer"
    case .llama3(let keys): "positions stretched \(keys.factor) times"
    }
  }
}

extension RotaryScaling {
  /// All frequencies divided by one number.
  public struct Linear: Configurable {
    public var factor = 2.0

    public init() {}

    public init(factor: Double) {
      self.factor = factor
    }

    public static var fields: [Field<Self>] {
      [Field("factor", \.factor, .atLeast(1), meaning: "What frequencies are divided by.")]
    }
  }

  /// Frequencies divided where the original context saw less than `lowFrequencyFactor` turns, as they are
  /// where it saw more than `highFrequencyFactor`, and something between elsewhere ("The Llama 3 herd of
  /// models", 2024).
  public struct Llama3: Configurable {
    public var factor = 8.0
    public var lowFrequencyFactor = 1.0
    public var highFrequencyFactor = 4.0
    public var originalContext = 8192

    public init() {}

    public static var fields: [Field<Self>] {
      [
        Field("factor", \.factor, .atLeast(1), meaning: "What slow frequencies are divided by."),
        Field(
          "low_frequency_factor", \.lowFrequencyFactor, .above(0),
          meaning: "Frequencies with fewer turns in the original context are slow."),
        Field(
          "high_frequency_factor", \.highFrequencyFactor, .above(0),
          meaning: "Frequencies with more turns in the original context stay as they are."),
        Field(
          "original_context", \.originalContext, .within(1...1_048_576),
          meaning: "The context that the model first learned with, in tokens."),
      ]
    }

    public func check(_ checks: inout SettingChecks) {
      checks.require(
        Float(highFrequencyFactor) > Float(lowFrequencyFactor), "high_frequency_factor",
        "more than low_frequency_factor (\(lowFrequencyFactor))",
        involving: "low_frequency_factor")
    }

    /// - Parameter frequency: In radians per position.
    func stretched(_ frequency: Float) -> Float {
      switch speed(frequency) {
      case .fast: frequency
      case .slow: frequency / Float(factor)
      case .between(let share): (1 - share) * frequency / Float(factor) + share * frequency
      }
    }

    /// What llama.cpp divides a frequency by.
    func divisor(_ frequency: Float) -> Float {
      switch speed(frequency) {
      case .fast: 1
      case .slow: Float(factor)
      case .between(let share): 1 / ((1 - share) / Float(factor) + share)
      }
    }

    private enum Speed {
      case slow
      case fast
      /// The share of it that stays as it is.
      case between(Float)
    }

    private func speed(_ frequency: Float) -> Speed {
      let context = Double(originalContext)
      let wavelength = Float(2 * Double.pi) / frequency
      if wavelength > Float(context / lowFrequencyFactor) { return .slow }
      if wavelength < Float(context / highFrequencyFactor) { return .fast }
      return .between(
        (Float(context) / wavelength - Float(lowFrequencyFactor))
          / Float(highFrequencyFactor - lowFrequencyFactor))
    }
  }
}
