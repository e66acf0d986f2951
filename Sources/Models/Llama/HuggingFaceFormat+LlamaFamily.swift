import LockstepWeights

extension HuggingFaceFormat where Configuration: LlamaFamily {
  /// - Parameters:
  ///   - context: The members about the longest sequence. Default: `max_position_embeddings`.
  ///   - further: Keys that are not the whole family's.
  static func llamaFamily(
    modelType: String, className: String,
    context: InterchangeKey<Configuration> = .value(
      "max_position_embeddings", "context", \.context),
    _ further: [InterchangeKey<Configuration>]
  ) -> HuggingFaceFormat {
    HuggingFaceFormat(
      modelType: modelType, className: className,
      classifierName: className.replacing("ForCausalLM", with: "ForSequenceClassification"),
      weightNames: { configuration in
        WeightNames(
          optionalPrefix: "model.",
          tied: configuration.tieEmbeddings
            ? ["lm_head.weight": "model.embed_tokens.weight"] : [:],
          // The angles of the rotary positions, which older versions of `transformers` saved.
          buffers: [".rotary_emb.inv_freq"])
      },
      keys: [
        .vocabulary("vocab_size"),
        context,
        .value("hidden_size", "width", \.width),
        .value("intermediate_size", "feed_forward", \.feedForwardWidth),
        .value("num_hidden_layers", "layers", \.layers),
        .value("num_attention_heads", "heads", \.heads),
        .value("num_key_value_heads", "key_value_heads", \.keyValueHeadCount, absent: .null),
        .fixed("hidden_act", "silu", others: ["swish"]),
        .dropout("attention_dropout", \.dropout),
        .value("rms_norm_eps", "norm_epsilon", \.normEpsilon, absent: 1e-6),
        .value("tie_word_embeddings", "tie_embeddings", \.tieEmbeddings, absent: false),
        .fixed("mlp_bias", false),
        .textEnds,
      ] + InterchangeKey.rotary + further)
  }
}
