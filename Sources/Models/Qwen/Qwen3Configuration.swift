import LockstepSettings

/// The shape of a Qwen3 decoder: Llama's with a norm of each head's queries and keys, and heads of a
/// width of their own (Yang et al., "Qwen3 technical report", 2025).
public struct Qwen3Configuration: LlamaFamily {
  public static let name = "qwen3"
  public static let documentation =
    "Qwen3's decoder: Llama's, with norms of queries and keys, and a head width of its own."

  public var layers = 4
  public var heads = 4
  public var keyValueHeads: Int?
  /// K; nil: the heads share out the width.
  public var ownHeadWidth: Int?
  public var width = 256
  public var feedForward: Int?
  public var context = 128
  public var ropeTheta = 10_000.0
  public var ropeScaling = RotaryScaling()
  public var normEpsilon = 1e-6
  public var tieEmbeddings = true
  public var dropout = 0.0
  public var recompute = false
  public var vocabulary: Int?

  public init() {}

  public var headWidth: Int { ownHeadWidth ?? width / heads }
  public var normsQueriesAndKeys: Bool { true }

  public static var fields: [Field<Self>] {
    [
      .layers, .heads(meaning: "Heads of queries in a block."),
      Field(
        "head_width", \.ownHeadWidth, .ifPresent(.within(2...65_536)),
        meaning:
          "Elements of a head, an even number; `null` takes `width` / `heads`, which must then divide."
      ),
    ] + familyFields
  }

  public func check(_ checks: inout SettingChecks) {
    checks.require(
      ownHeadWidth != nil || width.isMultiple(of: 2 * heads), "heads",
      "a divisor of half of width (\(width)), because head_width is null",
      involving: "width", "head_width")
    checks.require(headWidth.isMultiple(of: 2), "head_width", "an even number")
    checkKeyValueHeads(&checks)
  }

  /// `Qwen3ForCausalLM`.
  public static var huggingFace: HuggingFaceFormat<Self>? {
    .llamaFamily(
      modelType: "qwen3", className: "Qwen3ForCausalLM",
      [
        .value("head_dim", "head_width", \.headWidth, absent: 128),
        .fixed("attention_bias", false),
      ] + InterchangeKey.fullAttention)
  }

  public static var gguf: GGUFFormat<Self>? {
    .llamaFamily(
      name: "qwen3",
      [
        .value("attention.key_length", "head_width", \.headWidth, absent: .null),
        .derived("attention.value_length", \.headWidth, meaning: "attention.key_length"),
      ])
  }
}
