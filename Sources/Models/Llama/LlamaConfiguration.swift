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
      [
        .derived("head_dim", \.headWidth, meaning: "hidden_size / num_attention_heads"),
        .fixed("attention_bias", false),
        // How a product was shared out in the original training: the same but for rounding.
        .harmless("pretraining_tp"),
      ])
  }
}
