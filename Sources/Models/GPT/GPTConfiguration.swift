import LockstepSettings
import LockstepTensors
import LockstepWeights

/// The shape of a GPT-2 style decoder: learned positions, pre-norm blocks, GELU (the tanh form),
/// and a head tied to the token embedding (Radford et al. 2019).
public struct GPTConfiguration: TransformerArchitecture, TokenArchitecture, LanguageArchitecture,
  ClassifyingArchitecture
{
  public static let name = "gpt"
  public static let documentation =
    "GPT-2's decoder: learned positions, pre-norm, GELU, tied head."

  public var layers = 4
  public var heads = 4
  /// D; the feed-forward width is 4 D.
  public var width = 256
  public var context = 128
  public var dropout = 0.0
  public var recompute = false
  public var vocabulary: Int?

  public init() {}

  public init(
    layers: Int, heads: Int, width: Int, context: Int, dropout: Double = 0,
    recompute: Bool = false, vocabulary: Int? = nil
  ) {
    self.layers = layers
    self.heads = heads
    self.width = width
    self.context = context
    self.dropout = dropout
    self.recompute = recompute
    self.vocabulary = vocabulary
  }

  /// F.
  public var feedForwardWidth: Int { 4 * width }

  public static var fields: [Field<Self>] {
    [.layers, .heads, .width(), .context, .dropout, .recompute, .vocabulary]
  }

  public func check(_ checks: inout SettingChecks) { checkHeads(&checks) }

  public var summary: String { oneLine(["context \(context)"]) }

  public func keptElementCount(sequences: Int, of shape: Shape) -> Double {
    keptElementCount(
      rows: Double(sequences) * Double(shape.count), layers: layers, queries: width,
      keyValues: width, hidden: feedForwardWidth)
  }

  public func model(vocabularyCount: Int) -> any LanguageModel {
    GPT(self, vocabularyCount: vocabulary ?? vocabularyCount)
  }

  public static var scoreModule: String { DecoderClassifier.scoreModule }

  public func classifier(vocabularyCount: Int, classCount: Int) -> any TextClassifier {
    DecoderClassifier(
      GPT(self, vocabularyCount: vocabulary ?? vocabularyCount), width: width,
      classCount: classCount)
  }
}

extension GPTConfiguration {
  /// `GPT2LMHeadModel`.
  public static var huggingFace: HuggingFaceFormat<Self>? {
    HuggingFaceFormat(
      modelType: "gpt2", className: "GPT2LMHeadModel",
      classifierName: "GPT2ForSequenceClassification",
      weightNames: { _ in
        WeightNames(
          optionalPrefix: "transformer.", tied: ["lm_head.weight": "transformer.wte.weight"],
          // The causal mask, which older versions of `transformers` saved.
          buffers: [".attn.bias", ".attn.masked_bias"])
      },
      keys: [
        .vocabulary("vocab_size"),
        .value("n_positions", "context", \.context),
        .value("n_embd", "width", \.width),
        .value("n_layer", "layers", \.layers),
        .value("n_head", "heads", \.heads),
        .derived("n_inner", \.feedForwardWidth, meaning: "4 n_embd"),
        .fixed("activation_function", "gelu_new", others: ["gelu_pytorch_tanh", "gelu_fast"]),
        .dropout("resid_pdrop", others: ["embd_pdrop", "attn_pdrop"], \.dropout, absent: 0.1),
        .fixed("layer_norm_epsilon", 1e-5),
        .fixed("tie_word_embeddings", true),
        .fixed("scale_attn_weights", true),
        .fixed("scale_attn_by_inverse_layer_idx", false),
        .fixed("add_cross_attention", false),
        .textEnds,
        // A length that nothing uses, an order of operations in half precision, and heads for other
        // tasks.
        .harmless(
          "n_ctx", "reorder_and_upcast_attn", "summary_activation", "summary_first_dropout",
          "summary_proj_to_labels", "summary_type", "summary_use_proj"),
      ])
  }

  public static var gguf: GGUFFormat<Self>? {
    GGUFFormat(
      name: "gpt2",
      keys: [
        .vocabulary("vocab_size"),
        .value("context_length", "context", \.context),
        .value("embedding_length", "width", \.width),
        .value("block_count", "layers", \.layers),
        .value("attention.head_count", "heads", \.heads),
        .derived("feed_forward_length", \.feedForwardWidth, meaning: "4 embedding_length"),
        .fixed("attention.layer_norm_epsilon", 1e-5),
        .accepted("attention.causal", true),
        // How the states of a text become one vector.
        .harmless("pooling_type"),
      ],
      tensors: { _ in
        [
          .init("token_embd", "transformer.wte"),
          .init("position_embd", "transformer.wpe", isKeptExact: true),
          .init("blk.*.attn_norm", "transformer.h.*.ln_1"),
          .init("blk.*.attn_qkv", "transformer.h.*.attn.c_attn", order: .transposed),
          .init("blk.*.attn_output", "transformer.h.*.attn.c_proj", order: .transposed),
          .init("blk.*.ffn_norm", "transformer.h.*.ln_2"),
          .init("blk.*.ffn_up", "transformer.h.*.mlp.c_fc", order: .transposed),
          .init("blk.*.ffn_down", "transformer.h.*.mlp.c_proj", order: .transposed),
          .init("output_norm", "transformer.ln_f"),
          .init("output", "lm_head"),
        ]
      })
  }
}
