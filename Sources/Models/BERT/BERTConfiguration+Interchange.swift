import LockstepSettings
import LockstepWeights

extension BERTConfiguration {
  /// `BertForMaskedLM`; without a head `BertModel`.
  public static var huggingFace: HuggingFaceFormat<Self>? {
    HuggingFaceFormat(
      modelType: "bert", className: "BertForMaskedLM",
      classifierName: "BertForSequenceClassification",
      inputNames: ["input_ids", "token_type_ids", "attention_mask"],
      weightNames: { _ in Self.weightNames },
      keys: [
        InterchangeKey(
          names: ["architectures"], setting: "head",
          read: { members throws(InterchangeKey<Self>.Refusal) in
            SettingNode(.plain("\(members["architectures"] != .list(["BertModel"]))"))
          },
          write: { configuration, _ in
            ["architectures": .list([configuration.head ? "BertForMaskedLM" : "BertModel"])]
          }),
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
        InterchangeKey(names: ["pad_token_id"], write: { _, _ in ["pad_token_id": .null] }),
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

  public static var gguf: GGUFFormat<Self>? {
    GGUFFormat(
      name: "bert",
      keys: [
        // Files never have the head.
        InterchangeKey(
          names: [], setting: "head",
          read: { _ throws(InterchangeKey<Self>.Refusal) in SettingNode(.plain("false")) }),
        .vocabulary("vocab_size"),
        .value("context_length", "context", \.context),
        .value("embedding_length", "width", \.width),
        .value("feed_forward_length", "feed_forward", \.feedForwardWidth),
        .value("block_count", "layers", \.layers),
        .value("attention.head_count", "heads", \.heads),
        .value("attention.layer_norm_epsilon", "norm_epsilon", \.normEpsilon),
        .fixed("attention.causal", false),
        .tokenTypes,
        // How the states of a text become one vector.
        .harmless("pooling_type"),
      ],
      tensors: { _ in
        [
          .init("token_embd", "bert.embeddings.word_embeddings"),
          .init("position_embd", "bert.embeddings.position_embeddings", isKeptExact: true),
          .init("token_types", "bert.embeddings.token_type_embeddings", isKeptExact: true),
          .init("token_embd_norm", "bert.embeddings.LayerNorm"),
          .init("blk.*.attn_q", "bert.encoder.layer.*.attention.self.query"),
          .init("blk.*.attn_k", "bert.encoder.layer.*.attention.self.key"),
          .init("blk.*.attn_v", "bert.encoder.layer.*.attention.self.value"),
          .init("blk.*.attn_output", "bert.encoder.layer.*.attention.output.dense"),
          .init("blk.*.attn_output_norm", "bert.encoder.layer.*.attention.output.LayerNorm"),
          .init("blk.*.ffn_up", "bert.encoder.layer.*.intermediate.dense"),
          .init("blk.*.ffn_down", "bert.encoder.layer.*.output.dense"),
          .init("blk.*.layer_output_norm", "bert.encoder.layer.*.output.LayerNorm"),
        ]
      },
      lacks: { $0.activation == .gelu ? nil : "activation \($0.activation.rawValue)" })
  }
}

extension InterchangeKey where Configuration == BERTConfiguration {
  /// The rows of a table that files have beside the network's keys.
  fileprivate static var tokenTypes: Self {
    InterchangeKey(
      names: [GGUFFact.tokenTypes], setting: "token_types",
      read: { members throws(Refusal) in
        guard let rows = members[GGUFFact.tokenTypes] else {
          throw Refusal(reason: "there is no tensor \(GGUFFact.tokenTypes)")
        }
        return rows.settingNode
      },
      write: { configuration, _ in
        ["tokenizer.ggml.token_type_count": configuration.tokenTypes.jsonNode]
      })
  }
}
