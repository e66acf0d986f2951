import LockstepWeights

extension GGUFFormat where Configuration: LlamaFamily {
  /// - Parameters:
  ///   - name: What `general.architecture` says.
  ///   - interleavesHeads: Whether rotary positions turn neighbouring elements of a head in files, and so
  ///     the rows of queries and keys are in another order. Default: no.
  ///   - takesRotaryFactors: Whether llama.cpp reads the factors of Llama 3's formula for this architecture.
  ///     Default: no.
  ///   - further: Keys that are not the whole family's.
  static func llamaFamily(
    name: String, interleavesHeads: Bool = false, takesRotaryFactors: Bool = false,
    _ further: [InterchangeKey<Configuration>]
  ) -> GGUFFormat {
    GGUFFormat(
      name: name,
      keys: [
        .vocabulary("vocab_size"),
        .value("context_length", "context", \.context),
        .value("embedding_length", "width", \.width),
        .value("feed_forward_length", "feed_forward", \.feedForwardWidth),
        .value("block_count", "layers", \.layers),
        .value("attention.head_count", "heads", \.heads),
        .value("attention.head_count_kv", "key_value_heads", \.keyValueHeadCount, absent: .null),
        .value("attention.layer_norm_rms_epsilon", "norm_epsilon", \.normEpsilon),
        .derived("rope.dimension_count", \.headWidth, meaning: "the width of a head"),
        .tiedHead,
        .accepted("attention.causal", true),
        .accepted("expert_count", 0),
        .accepted("expert_used_count", 0),
        // How the states of a text become one vector.
        .harmless("pooling_type"),
      ] + InterchangeKey.ggufRotary + further,
      tensors: { configuration in
        func heads(_ count: Int) -> StoredOrder {
          interleavesHeads ? .interleaved(heads: count) : .same
        }
        return [
          .init("token_embd", "model.embed_tokens"),
          .init("blk.*.attn_norm", "model.layers.*.input_layernorm"),
          .init(
            "blk.*.attn_q", "model.layers.*.self_attn.q_proj", order: heads(configuration.heads)),
          .init(
            "blk.*.attn_k", "model.layers.*.self_attn.k_proj",
            order: heads(configuration.keyValueHeadCount)),
          .init("blk.*.attn_v", "model.layers.*.self_attn.v_proj"),
          .init("blk.*.attn_q_norm", "model.layers.*.self_attn.q_norm"),
          .init("blk.*.attn_k_norm", "model.layers.*.self_attn.k_norm"),
          .init("blk.*.attn_output", "model.layers.*.self_attn.o_proj"),
          .init("blk.*.ffn_norm", "model.layers.*.post_attention_layernorm"),
          .init("blk.*.ffn_gate", "model.layers.*.mlp.gate_proj"),
          .init("blk.*.ffn_up", "model.layers.*.mlp.up_proj"),
          .init("blk.*.ffn_down", "model.layers.*.mlp.down_proj"),
          .init("output_norm", "model.norm"),
          .init("output", "lm_head"),
        ]
      },
      computed: { $0.ropeScaling.ggufFactors(base: $0.ropeTheta, headWidth: $0.headWidth) },
      lacks: { configuration in
        guard !takesRotaryFactors, case .llama3 = configuration.ropeScaling.method else {
          return nil
        }
        return "architecture \(name) and rope_scaling llama3"
      })
  }
}
