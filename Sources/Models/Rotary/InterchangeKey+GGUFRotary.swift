import LockstepSettings
import LockstepTensors

extension InterchangeKey where Configuration: LlamaFamily {
  /// Rotary positions in a GGUF file: the base, and how positions are stretched.
  static var ggufRotary: [Self] {
    [
      .value("rope.freq_base", "rope_theta", \.ropeTheta, absent: .number(10_000)),
      ggufRotaryScaling,
      .accepted("rope.scaling.attn_factor", 1),
      // Whether the model was trained with stretched positions, or is only used with them.
      .harmless("rope.scaling.finetuned"),
    ]
  }

  private static var scalingType: String { "rope.scaling.type" }
  private static var scalingFactor: String { "rope.scaling.factor" }
  private static var originalContext: String { "rope.scaling.original_context_length" }
  /// Llama 3's numbers that a GGUF file does not have; Lockstep writes them in addition.
  private static var slowFactor: String { "lockstep.rope.factor" }
  private static var lowFactor: String { "lockstep.rope.low_frequency_factor" }
  private static var highFactor: String { "lockstep.rope.high_frequency_factor" }

  private static var ggufRotaryScaling: Self {
    InterchangeKey(
      names: [
        scalingType, scalingFactor, originalContext, GGUFFact.rotaryFactors, slowFactor, lowFactor,
        highFactor,
      ], setting: "rope_scaling",
      read: { members throws(Refusal) in
        let factor = members[scalingFactor] ?? .null
        let type = members[scalingType] ?? (factor == .null ? "none" : "linear")
        switch type {
        case .string("none"):
          guard factor == .null || factor.isEqual(to: .number(1)) else {
            throw Refusal(reason: "\(scalingFactor) \(factor) has no \(scalingType)")
          }
        case .string("linear"):
          // Of programs that write a factor always, 0 and 1 stretch nothing.
          if [0, 1].contains(where: { factor.isEqual(to: .number($0)) }) { break }
          guard members[GGUFFact.rotaryFactors] == nil else {
            throw Refusal(reason: "\(GGUFFact.rotaryFactors) beside \(scalingType) linear")
          }
          return SettingNode(
            .map([
              .init("name", SettingNode(.plain("linear"))), .init("factor", factor.settingNode),
            ]))
        default: throw Refusal(reason: "\(scalingType) \(type) is not none or linear")
        }
        guard case .list(let factors)? = members[GGUFFact.rotaryFactors] else { return nil }
        return RotaryScaling(.llama3(try Self.llama3(of: factors, members))).settingNode
      },
      check: { members, configuration throws(Refusal) in
        guard case .list(let factors)? = members[GGUFFact.rotaryFactors] else { return }
        let expected =
          configuration.ropeScaling.ggufFactors(
            base: configuration.ropeTheta, headWidth: configuration.headWidth) ?? []
        let found = factors.compactMap(\.number)
        let fits = zip(found, expected).allSatisfy { abs($0 - Double($1)) <= 1e-5 * abs($0) }
        guard found.count == expected.count, fits else {
          throw Refusal(
            reason: "\(GGUFFact.rotaryFactors) does not hold the factors of Llama 3's formula")
        }
      },
      write: { configuration, _ in
        switch configuration.ropeScaling.method {
        case .none: [:]
        case .linear(let keys): [scalingType: "linear", scalingFactor: .number(keys.factor)]
        case .llama3(let keys):
          [
            originalContext: .integer(keys.originalContext),
            slowFactor: .number(keys.factor), lowFactor: .number(keys.lowFrequencyFactor),
            highFactor: .number(keys.highFrequencyFactor),
          ]
        }
      })
  }

  /// The keys that belong to the factors of a file: the largest is that of slow frequencies. Where the
  /// file does not say the rest, it is what all of Meta's models have.
  private static func llama3(
    of factors: [JSONNode], _ members: [String: JSONNode]
  ) throws(Refusal) -> RotaryScaling.Llama3 {
    var keys = RotaryScaling.Llama3()
    keys.factor =
      members[slowFactor]?.number
      ?? Double("\(Float(factors.compactMap(\.number).max() ?? 1))") ?? .nan
    if case .integer(let context)? = members[originalContext] { keys.originalContext = context }
    if let low = members[lowFactor]?.number { keys.lowFrequencyFactor = low }
    if let high = members[highFactor]?.number { keys.highFrequencyFactor = high }
    return keys
  }
}

extension JSONNode {
  /// A number of either kind.
  fileprivate var number: Double? {
    switch self {
    case .integer(let value): Double(value)
    case .number(let value): value
    default: nil
    }
  }
}

extension RotaryScaling {
  /// What llama.cpp divides rotary frequencies by, one by one; nil where it has another word for it.
  func ggufFactors(base: Double, headWidth: Int) -> [Float]? {
    guard case .llama3(let keys) = method else { return nil }
    return RotaryFrequencies(base: base, headWidth: headWidth).values.map(keys.divisor)
  }
}
