import LockstepSettings
import LockstepTensors
import LockstepWeights

/// The shape of a BERT encoder: learned positions, every position sees every other, a norm behind each
/// part of a block (Devlin et al., "BERT", 2019).
public struct BERTConfiguration: TransformerArchitecture, TokenArchitecture,
  MaskedLanguageArchitecture
{
  public static let name = "bert"
  public static let documentation =
    "BERT's encoder: every position sees every other; learned positions, post-norm, GELU, tied head."

  public var layers = 4
  public var heads = 4
  public var width = 256
  /// F; nil: 4 D.
  public var feedForward: Int?
  public var context = 128
  public var activation = ActivationName.gelu
  public var normEpsilon = 1e-12
  /// Rows of the embedding of token types, of which the first is added everywhere.
  public var tokenTypes = 1
  public var dropout = 0.0
  public var recompute = false
  public var vocabulary: Int?

  public init() {}

  /// F, whether or not the section names it.
  public var feedForwardWidth: Int { feedForward ?? 4 * width }

  public static var fields: [Field<Self>] {
    [
      .layers, .heads, .width(),
      Field(
        "feed_forward", \.feedForward, .ifPresent(.within(1...1_048_576)),
        meaning: "Width inside the feed-forward part; `null` takes 4 times `width`."),
      .context,
      Field(
        "activation", \.activation, meaning: "Inside the feed-forward part, and in the head."),
      Field("norm_epsilon", \.normEpsilon, .above(0), meaning: "Added to the variance in norms."),
      Field(
        "token_types", \.tokenTypes, .within(1...1024),
        meaning:
          "Rows of the embedding of token types, of which the first is added to every token; models "
          + "that were trained on pairs of texts have 2."),
      .dropout, .recompute,
      .vocabulary(
        atLeast: 2,
        meaning:
          "Rows of the token embedding; `null` takes the tokenizer's count and one for the mask. More "
          + "rows than tokens is padding. Without a tokenizer the last row is the mask's."),
    ]
  }

  public func check(_ checks: inout SettingChecks) { checkHeads(&checks) }

  public var summary: String { oneLine(["context \(context)"]) }

  public func keptElementCount(sequences: Int, of shape: Shape) -> Double {
    keptElementCount(
      rows: Double(sequences) * Double(shape.count), layers: layers, queries: width,
      keyValues: width, hidden: feedForwardWidth)
  }

  public func model(vocabularyCount: Int) -> any MaskedLanguageModel {
    BERT(self, vocabularyCount: vocabulary ?? vocabularyCount)
  }
}

extension BERTConfiguration {
  /// `BertForMaskedLM`.
  public static var huggingFace: HuggingFaceFormat<Self>? {
    HuggingFaceFormat(
      modelType: "bert", className: "BertForMaskedLM", weightNames: { _ in Self.weightNames },
      keys: [
        .vocabulary("vocab_size"),
        .value("max_position_embeddings", "context", \.context),
        .value("hidden_size", "width", \.width),
        .value("intermediate_size", "feed_forward", \.feedForwardWidth),
        .value("num_hidden_layers", "layers", \.layers),
        .value("num_attention_heads", "heads", \.heads),
        .value("type_vocab_size", "token_types", \.tokenTypes),
        .word(
          "hidden_act", "activation", \.activation,
          words: [
            "gelu": "gelu", "gelu_python": "gelu", "gelu_new": "gelu-tanh",
            "gelu_pytorch_tanh": "gelu-tanh", "relu": "relu", "leaky_relu": "leaky-relu",
            "silu": "silu", "swish": "silu", "tanh": "tanh",
          ]),
        .dropout("hidden_dropout_prob", others: ["attention_probs_dropout_prob"], \.dropout),
        .value("layer_norm_eps", "norm_epsilon", \.normEpsilon, absent: 1e-12),
        .fixed("tie_word_embeddings", true),
        .fixed("is_decoder", false),
        .fixed("add_cross_attention", false),
        .fixed("position_embedding_type", "absolute"),
        HuggingFaceKey(names: ["pad_token_id"], write: { _, _ in ["pad_token_id": .null] }),
        // The pooler, which reads whole texts.
        .harmless(
          "directionality", "pooler_fc_size", "pooler_num_attention_heads", "pooler_num_fc_layers",
          "pooler_size_per_head", "pooler_type"),
      ])
  }

  private static var weightNames: WeightNames {
    WeightNames(
      optionalPrefix: "bert.",
      // The names of the first version, TensorFlow's, which the published BERTs still have.
      spellings: [
        .init("LayerNorm.gamma", means: "LayerNorm.weight"),
        .init("LayerNorm.beta", means: "LayerNorm.bias"),
      ],
      tied: [
        "cls.predictions.decoder.weight": "bert.embeddings.word_embeddings.weight",
        "cls.predictions.decoder.bias": "cls.predictions.bias",
      ],
      buffers: ["embeddings.position_ids", "embeddings.token_type_ids"],
      // The pooler, which reads whole texts, and the guess whether one sentence follows another.
      otherHeads: ["bert.pooler.", "pooler.", "cls.seq_relationship."])
  }
}
