import Foundation
import LockstepModels
import Testing

/// `config.json` of other programs: what is computed as `transformers` does is read, all else is refused
/// by name.
@Suite struct HuggingFaceFormatTests {
  /// A configuration with all members that `transformers` knows, the default ones included.
  private func members(_ name: String) throws -> [String: Any] {
    let folder = try #require(Bundle.module.resourceURL?.appending(path: "Fixtures/\(name)"))
    let data = try Data(contentsOf: folder.appending(path: "all-members.json"))
    return try #require(JSONSerialization.jsonObject(with: data) as? [String: Any])
  }

  private func read(_ members: [String: Any]) throws -> ModelConfiguration {
    let data = try JSONSerialization.data(withJSONObject: members)
    return try ModelConfiguration(huggingFaceJSON: Array(data), path: "config.json")
  }

  private func refusal(_ members: [String: Any]) throws -> String {
    let error = #expect(throws: UnsupportedModelError.self) { try read(members) }
    return error?.description ?? ""
  }

  @Test(arguments: ["gpt2", "llama", "qwen2", "qwen3", "bert"])
  func everyMemberOfADefaultConfigurationIsKnown(name: String) throws {
    let configuration = try read(members(name))
    #expect(type(of: configuration.architecture).name == (name == "gpt2" ? "gpt" : name))
  }

  @Test func aMemberThatIsThereTwiceIsRefused() throws {
    let data = try JSONSerialization.data(withJSONObject: members("llama"))
    let text = String(decoding: data, as: UTF8.self)
    let twice = #"{"hidden_size": 64, "# + text.dropFirst()
    let error = #expect(throws: UnsupportedModelError.self) {
      try ModelConfiguration(huggingFaceJSON: Array(twice.utf8), path: "config.json")
    }
    #expect(
      error?.description.hasPrefix(
        "config.json: not the configuration of a model: the key 'hidden_size' a second time")
        == true)
  }

  @Test(arguments: [
    ("[1]", "found a list"), ("null", "found null"), ("2", "found 2"), ("\"\"", "found a text"),
  ])
  func anotherValueThanAnObjectIsNamed(json: String, problem: String) {
    let error = #expect(throws: UnsupportedModelError.self) {
      try ModelConfiguration(huggingFaceJSON: Array(json.utf8), path: "config.json")
    }
    #expect(error?.description == "config.json: not the configuration of a model: \(problem)")
  }

  @Test func ofALongTextInAMessageIsTheBeginning() throws {
    var found = try members("llama")
    found["head_dim"] = String(repeating: "x", count: 70_000)
    let error = #expect(throws: (any Error).self) { try read(found) }
    #expect("\(error as Any)".count < 500)
  }

  @Test func whatIsLeftOutIsWhatTransformersTakes() throws {
    var found = try members("qwen3")
    for name in ["head_dim", "num_key_value_heads", "rms_norm_eps", "tie_word_embeddings"] {
      found[name] = nil
    }
    found["rope_parameters"] = nil
    let configuration = try #require(try read(found).architecture as? Qwen3Configuration)
    #expect(configuration.headWidth == 128 && configuration.keyValueHeadCount == 4)
    #expect(configuration.normEpsilon == 1e-6 && configuration.ropeTheta == 10_000)
    #expect(!configuration.tieEmbeddings)
  }

  @Test func olderAndNewerFilesHaveTheBaseOfRotaryPositionsInDifferentMembers() throws {
    var found = try members("llama")
    found["rope_parameters"] = nil
    found["rope_theta"] = 700
    found["rope_scaling"] = NSNull()
    let configuration = try #require(try read(found).architecture as? LlamaConfiguration)
    #expect(configuration.ropeTheta == 700)
  }

  /// As on its page of the hub.
  @Test func theConfigurationOfSmolLM2IsRead() throws {
    let text = """
      {"architectures": ["LlamaForCausalLM"], "attention_bias": false, "attention_dropout": 0.0,
      "bos_token_id": 1, "eos_token_id": 2, "hidden_act": "silu", "hidden_size": 576,
      "initializer_range": 0.041666666666666664, "intermediate_size": 1536, "is_llama_config": true,
      "max_position_embeddings": 8192, "model_type": "llama", "num_attention_heads": 9,
      "num_hidden_layers": 30, "num_key_value_heads": 3, "pad_token_id": 2, "pretraining_tp": 1,
      "rms_norm_eps": 1e-05, "rope_interleaved": false, "rope_scaling": null, "rope_theta": 100000,
      "tie_word_embeddings": true, "torch_dtype": "bfloat16",
      "transformers.js_config": {"kv_cache_dtype": {"fp16": "float16"}},
      "transformers_version": "4.42.3", "use_cache": true, "vocab_size": 49152}
      """
    let found = try ModelConfiguration(huggingFaceJSON: Array(text.utf8), path: "config.json")
    #expect(found.summary == "llama, 30 layers, 9 heads, width 576, 3 of keys, context 8192")
    let turned = text.replacing("interleaved\": false", with: "interleaved\": true")
    let error = #expect(throws: UnsupportedModelError.self) {
      try ModelConfiguration(huggingFaceJSON: Array(turned.utf8), path: "config.json")
    }
    #expect(error?.reason == "rope_interleaved true is not false")
  }

  /// What older and other programs write beside all that `transformers` does.
  @Test(
    arguments: [
      ("gpt2", ["n_special": 0, "predict_special_tokens": true, "_num_labels": 1]),
      ("bert", ["_num_labels": 5]),
      ("qwen2", ["unsloth_fixed": true, "unsloth_version": "2025.1"]),
      ("llama", ["unsloth_fixed": true, "max_sequence_length": 24]),
    ] as [(String, [String: any Sendable])])
  func whatDoesNotChangeTheComputationIsPassedOver(
    name: String, further: [String: any Sendable]
  ) throws {
    let plain = try read(members(name))
    let found = try read(members(name).merging(further) { $1 })
    #expect(found == plain)
  }

  /// A member, its value, and what the message says.
  static let refused: [(String, String, any Sendable, String)] = [
    ("gpt2", "scale_attn_by_inverse_layer_idx", true, "scale_attn_by_inverse_layer_idx true"),
    ("gpt2", "scale_attn_weights", false, "scale_attn_weights false is not true"),
    ("gpt2", "activation_function", "relu", "activation_function relu is not gelu_new"),
    ("gpt2", "layer_norm_epsilon", 1e-6, "layer_norm_epsilon 1e-06 is not 1e-05"),
    ("gpt2", "n_inner", 17, "n_inner 17 is not 4 n_embd, 3072"),
    ("gpt2", "tie_word_embeddings", false, "tie_word_embeddings false"),
    ("gpt2", "add_cross_attention", true, "add_cross_attention true"),
    ("gpt2", "is_encoder_decoder", true, "is_encoder_decoder true"),
    ("gpt2", "n_layer", -1, "n_layer: found -1, expected a whole number from 1 to 1024"),
    ("gpt2", "n_embd", 1 << 62, "n_embd: found 4611686018427387904"),
    ("gpt2", "n_positions", 0, "n_positions: found 0"),
    ("gpt2", "n_head", 7, "n_head: found 7, expected a divisor of width (768)"),
    ("gpt2", "resid_pdrop", 1, "resid_pdrop: found 1"),
    ("gpt2", "attention_temperature", 2, "attention_temperature 2 is unknown"),
    ("gpt2", "use_gate", false, "use_gate false is unknown"),
    ("llama", "attention_bias", true, "attention_bias true"),
    ("llama", "max_sequence_length", 31, "max_sequence_length 31 is not max_position_embeddings"),
    ("llama", "mlp_bias", true, "mlp_bias true"),
    ("llama", "rope_parameters", ["rope_type": "linear", "factor": "2"], "factor: found \"2\""),
    ("llama", "rope_parameters", ["rope_type": "linear"], "rope_scaling: factor is missing"),
    ("llama", "rope_parameters", ["rope_type": "yarn"], "rope_scaling: type yarn is not"),
    (
      "llama", "rope_parameters",
      ["type": "linear", "factor": 2.0, "attention_factor": 2.0] as [String: any Sendable],
      "rope_scaling: attention_factor 2"
    ),
    ("llama", "rope_scaling", ["rope_theta": 3.0], "rope_scaling: rope_theta is 300"),
    ("llama", "rope_scaling", 2, "rope_scaling 2 is no object"),
    ("llama", "rope_scaling", ["type": "linear"], "rope_scaling: rope_type is default and linear"),
    ("llama", "rope_parameters", ["type": "dynamic"], "rope_scaling: type dynamic is not default"),
    ("llama", "head_dim", 16, "head_dim 16 is not hidden_size / num_attention_heads, 8"),
    ("llama", "num_key_value_heads", 3, "num_key_value_heads: found 3"),
    ("llama", "hidden_act", "gelu", "hidden_act gelu is not silu"),
    ("llama", "rms_norm_eps", -1e-6, "rms_norm_eps: found -1e-06"),
    ("llama", "rope_parameters", ["rope_theta": 0.0], "rope_theta: found 0"),
    ("llama", "sliding_window", 8, "sliding_window 8 is unknown"),
    ("llama", "quantization_config", ["bits": 4], "quantization_config {bits: 4} is unknown"),
    ("qwen2", "use_sliding_window", true, "use_sliding_window true"),
    ("qwen2", "layer_types", ["full_attention", "sliding_attention"], "sliding_attention"),
    ("qwen3", "attention_bias", true, "attention_bias true"),
    ("qwen3", "head_dim", 7, "head_dim: found 7, expected an even number"),
    ("bert", "is_decoder", true, "is_decoder true"),
    ("bert", "hidden_act", "mish", "hidden_act mish"),
    ("bert", "num_attention_heads", 5, "num_attention_heads: found 5"),
    ("bert", "position_embedding_type", "relative_key", "position_embedding_type relative_key"),
    ("bert", "model_type", "roberta", "gpt2, llama, mistral, qwen2, qwen3 and bert are supported"),
  ]

  @Test(arguments: refused.indices)
  func whatWouldChangeTheComputationIsRefusedByName(index: Int) throws {
    let (name, member, value, message) = Self.refused[index]
    var found = try members(name)
    found[member] = value
    let reason = try refusal(found)
    #expect(reason.hasPrefix("config.json: ") && reason.contains(message), "\(reason)")
  }

  @Test func everythingThatIsWrongIsSaidAtOnce() throws {
    var found = try members("gpt2")
    found["n_layer"] = nil
    found["scale_attn_weights"] = false
    found["n_head"] = 0
    found["mystery"] = 1
    let reason = try refusal(found)
    for part in ["n_layer is missing", "n_head: found 0", "scale_attn_weights", "mystery"] {
      #expect(reason.contains(part), "\(reason)")
    }
  }

  @Test(arguments: ["", "[]", "{", "null", #"{"model_type": 3}"#])
  func whatIsNoConfigurationIsRefused(text: String) {
    #expect(throws: UnsupportedModelError.self) {
      try ModelConfiguration(huggingFaceJSON: Array(text.utf8), path: "config.json")
    }
  }
}
