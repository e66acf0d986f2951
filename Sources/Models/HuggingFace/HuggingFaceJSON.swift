import LockstepSettings

/// A `config.json` of a model that Lockstep can not build.
public struct UnsupportedModelError: UserInputError, Equatable {
  /// Where the file is.
  public let path: String
  /// What it asks for, and what is supported.
  public let reason: String

  public init(path: String, reason: String) {
    self.path = path
    self.reason = reason
  }

  public var description: String { "\(path): \(reason)" }
}

/// What the `config.json` files of all architectures have in common.
enum HuggingFaceJSON {
  /// Members of any value that do not change what a model computes from tokens: who wrote the file and
  /// how, how texts are generated, heads for other tasks, initial values, special tokens, speed.
  static let harmless: Set<String> = [
    // The file.
    "_name_or_path", "architectures", "auto_map", "dtype", "finetuning_task", "model_type",
    "task_specific_params", "tokenizer_class", "torch_dtype", "transformers.js_config",
    "transformers_version", "unsloth_fixed", "unsloth_version",
    // Heads for other tasks.
    "_num_labels", "classifier_dropout", "id2label", "label2id", "n_special", "num_labels",
    "predict_special_tokens", "problem_type", "tf_legacy_loss",
    // Special tokens.
    "bos_token_id", "decoder_start_token_id", "eos_token_id", "pad_token_id", "prefix",
    "sep_token_id",
    // Generation.
    "bad_words_ids", "begin_suppress_tokens", "diversity_penalty", "do_sample", "early_stopping",
    "encoder_no_repeat_ngram_size", "exponential_decay_length_penalty", "forced_bos_token_id",
    "forced_eos_token_id", "length_penalty", "max_length", "min_length", "no_repeat_ngram_size",
    "num_beam_groups", "num_beams", "num_return_sequences", "output_scores",
    "remove_invalid_values", "repetition_penalty", "return_dict_in_generate", "suppress_tokens",
    "temperature", "top_k", "top_p", "typical_p", "use_cache",
    // What is returned, speed and memory.
    "_attn_implementation_autoset", "_attn_implementation", "attn_implementation",
    "chunk_size_feed_forward", "gradient_checkpointing", "output_attentions",
    "output_hidden_states", "output_past", "return_dict", "torchscript", "use_bfloat16",
    // Before training.
    "initializer_range",
  ]
}
