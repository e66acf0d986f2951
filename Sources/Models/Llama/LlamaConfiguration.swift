import LockstepSettings

/// The shape of a Llama decoder: rotary positions, RMS norm in front of each part of a block, SwiGLU,
/// grouped-query attention, no biases (Touvron et al., "LLaMA", 2023).
public struct LlamaConfiguration: LlamaFamily {
  public static let name = "llama"
  public static let documentation =
    "Llama's decoder: rotary positions, RMS norm, SwiGLU, grouped-query attention, no biases."

  public var layers = 4
  public var heads = 4
  public var keyValueHeads: Int?
  public var width = 256
  public var feedForward: Int?
  public var context = 128
  public var ropeTheta = 10_000.0
  public var ropeScaling = RotaryScaling()
  public var normEpsilon = 1e-5
  public var tieEmbeddings = true
  public var dropout = 0.0
  public var recompute = false
  public var vocabulary: Int?

  public init() {}

  /// `LlamaForCausalLM`.
  public static var huggingFace: HuggingFaceFormat<Self>? {
    .llamaFamily(
      modelType: "llama", className: "LlamaForCausalLM",
      sharedHeads + [
        .fixed("attention_bias", false),
        // The first Llama's, beside the member that all have.
        .implied("max_sequence_length", \.context, meaning: "max_position_embeddings"),
        // How a product was shared out in the original training: the same but for rounding.
        .harmless("pretraining_tp"),
        // SmolLM2's own: that it is a Llama, whose rotary positions turn halves of heads.
        .harmless("is_llama_config"),
        .accepted("rope_interleaved", false),
      ])
  }

  /// `MistralForCausalLM`, as far as its attention sees all that came before: it is Llama's then.
  public static var furtherHuggingFace: [HuggingFaceFormat<Self>] {
    [
      .llamaFamily(
        modelType: "mistral", className: "MistralForCausalLM", context: .contextWithinWindow,
        sharedHeads)
    ]
  }

  private static var sharedHeads: [InterchangeKey<Self>] {
    [.derived("head_dim", \.headWidth, meaning: "hidden_size / num_attention_heads")]
  }

  public static var gguf: GGUFFormat<Self>? {
    .llamaFamily(
      name: "llama", interleavesHeads: true, takesRotaryFactors: true,
      [
        .derived("attention.key_length", \.headWidth, meaning: "embedding_length / head_count"),
        .derived("attention.value_length", \.headWidth, meaning: "embedding_length / head_count"),
        // How the first converter ordered the rows of queries and keys, as all do.
        .accepted("tensor_data_layout", "Meta AI original pth"),
      ])
  }
}

extension InterchangeKey where Configuration == LlamaConfiguration {
  /// What Mistral takes where its file does not say.
  private static var defaultPositions: Int { 131_072 }
  private static var defaultWindow: Int { 4096 }

  /// A context within which attention to a window of the last positions sees all of them.
  fileprivate static var contextWithinWindow: Self {
    func limits(_ members: [String: JSONNode]) -> (positions: JSONNode, window: Int?) {
      let window = members["sliding_window"] ?? .integer(defaultWindow)
      let positions = members["max_position_embeddings"] ?? .integer(defaultPositions)
      guard case .integer(let window) = window else { return (positions, nil) }
      return (positions, window)
    }
    func isLimited(_ members: [String: JSONNode]) -> Bool {
      guard case (.integer(let positions), let window?) = limits(members) else { return false }
      return window < positions
    }
    return InterchangeKey(
      names: ["max_position_embeddings", "sliding_window"], setting: "context",
      read: { members throws(Refusal) in
        if let window = members["sliding_window"], window != .null {
          guard case .integer = window else {
            throw Refusal(reason: "sliding_window \(window) is no whole number")
          }
        }
        let (positions, window) = limits(members)
        return (isLimited(members) ? window.map(JSONNode.integer) ?? positions : positions)
          .settingNode
      },
      notice: { members in
        guard isLimited(members), let window = limits(members).window else { return nil }
        return
          "attention sees \(window) tokens (sliding_window), so the context is \(window) and not "
          + "\(limits(members).positions)"
      },
      write: { configuration, _ in
        [
          "max_position_embeddings": configuration.context.jsonNode, "sliding_window": .null,
        ]
      })
  }
}
