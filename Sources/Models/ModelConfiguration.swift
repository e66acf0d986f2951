import LockstepSettings

/// The `model` section: an architecture, and the keys of that architecture.
public struct ModelConfiguration: Configurable {
  public enum Architecture: SettingVariants {
    case gpt(GPTConfiguration)
    case llama(LlamaConfiguration)
    case bert(BERTConfiguration)
    case transformer(TransformerConfiguration)
    case linear
    case sine
    case mlp(MLPConfiguration)
    case vit(VisionTransformerConfiguration)

    public static var variants: [Variant<Self>] {
      [
        Variant(
          "gpt", "GPT-2's decoder: learned positions, pre-norm, GELU, tied head.", Self.gpt
        ) {
          if case .gpt(let configuration) = $0 { configuration } else { nil }
        },
        Variant(
          "llama",
          "Llama's decoder: rotary positions, RMS norm, SwiGLU, grouped-query attention, no biases.",
          Self.llama
        ) {
          if case .llama(let configuration) = $0 { configuration } else { nil }
        },
        Variant(
          "bert",
          "BERT's encoder: every position sees every other; learned positions, post-norm, GELU, tied "
            + "head.", Self.bert
        ) {
          if case .bert(let configuration) = $0 { configuration } else { nil }
        },
        Variant(
          "transformer",
          "The encoder-decoder of \"Attention is all you need\"; for translation.", Self.transformer
        ) {
          if case .transformer(let configuration) = $0 { configuration } else { nil }
        },
        Variant("linear", "y = W x + b: linear regression, or softmax regression.", .linear),
        Variant("sine", "y = θ sin x, of one number x in radians.", .sine),
        Variant("mlp", "Multilayer perceptron: linear layers with an activation between.", Self.mlp)
        {
          if case .mlp(let configuration) = $0 { configuration } else { nil }
        },
        Variant(
          "vit", "Vision Transformer: patches of an image, pre-norm, GELU, mean over patches.",
          Self.vit
        ) {
          if case .vit(let configuration) = $0 { configuration } else { nil }
        },
      ]
    }
  }

  public var architecture: Architecture = .gpt(GPTConfiguration())

  public init() {}

  public init(_ architecture: Architecture) {
    self.architecture = architecture
  }

  public static var fields: [Field<Self>] {
    [Field("architecture", choosing: \.architecture, meaning: "The kind of network.")]
  }
}
