import LockstepSettings

/// The shape of a Qwen2 or Qwen2.5 decoder: Llama's with biases on queries, keys and values (Yang et al.,
/// "Qwen2 technical report", 2024).
public struct Qwen2Configuration: LlamaFamily {
  public static let name = "qwen2"
  public static let documentation =
    "Qwen2's and Qwen2.5's decoder: Llama's, with biases on queries, keys and values."

  public var layers = 4
  public var heads = 4
  public var keyValueHeads: Int?
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

  public var hasProjectionBiases: Bool { true }

  /// `Qwen2ForCausalLM`.
  public static var huggingFace: HuggingFaceFormat<Self>? {
    .llamaFamily(
      modelType: "qwen2", className: "Qwen2ForCausalLM",
      [.derived("head_dim", \.headWidth, meaning: "hidden_size / num_attention_heads")]
        + InterchangeKey.fullAttention)
  }

  public static var gguf: GGUFFormat<Self>? {
    .llamaFamily(
      name: "qwen2",
      [
        .derived("attention.key_length", \.headWidth, meaning: "embedding_length / head_count"),
        .derived("attention.value_length", \.headWidth, meaning: "embedding_length / head_count"),
      ])
  }
}

extension InterchangeKey {
  /// Qwen's members about attention to a sliding window, which is off in the models that they are in.
  static var fullAttention: [Self] {
    [
      .fixed("use_sliding_window", false),
      // Positions of pictures.
      .accepted("use_mrope", false),
      .harmless("sliding_window", "max_window_layers"),
      InterchangeKey(
        names: ["layer_types"],
        check: { members, _ throws(Refusal) in
          guard case .list(let types)? = members["layer_types"] else { return }
          guard let other = types.first(where: { $0 != "full_attention" }) else { return }
          throw Refusal(reason: "layer_types \(other) is not full_attention")
        }),
    ]
  }
}
