/// `config.json` of Hugging Face's `LlamaForCausalLM`, as far as Lockstep writes and reads it.
private struct HuggingFaceLlamaConfiguration: Codable {
  /// How positions turn the heads, as newer versions of `transformers` write it.
  struct Rope: Codable {
    var theta: Double?
    var kind: String?

    enum CodingKeys: String, CodingKey {
      case theta = "rope_theta"
      case kind = "rope_type"
    }
  }

  var architectures = ["LlamaForCausalLM"]
  var modelType = "llama"
  var vocabularySize: Int
  var positionCount: Int
  var width: Int
  var innerWidth: Int
  var layerCount: Int
  var headCount: Int
  /// Absent or null means as many as heads.
  var keyValueHeadCount: Int?
  /// Absent or null means the width over the number of heads.
  var headWidth: Int?
  var activation: String? = "silu"
  var attentionDropout: Double? = 0
  var normEpsilon: Double? = 1e-6
  var ropeTheta: Double?
  var ropeParameters: Rope?
  var ropeScaling: Rope?
  var hasAttentionBias: Bool? = false
  var hasFeedForwardBias: Bool? = false
  var initializerRange: Double? = 0.02
  var tieWordEmbeddings: Bool? = false
  var beginningToken: TokenID?
  var endToken: TokenID?
  var elementType: String? = "float32"

  enum CodingKeys: String, CodingKey {
    case architectures
    case modelType = "model_type"
    case vocabularySize = "vocab_size"
    case positionCount = "max_position_embeddings"
    case width = "hidden_size"
    case innerWidth = "intermediate_size"
    case layerCount = "num_hidden_layers"
    case headCount = "num_attention_heads"
    case keyValueHeadCount = "num_key_value_heads"
    case headWidth = "head_dim"
    case activation = "hidden_act"
    case attentionDropout = "attention_dropout"
    case normEpsilon = "rms_norm_eps"
    case ropeTheta = "rope_theta"
    case ropeParameters = "rope_parameters"
    case ropeScaling = "rope_scaling"
    case hasAttentionBias = "attention_bias"
    case hasFeedForwardBias = "mlp_bias"
    case initializerRange = "initializer_range"
    case tieWordEmbeddings = "tie_word_embeddings"
    case beginningToken = "bos_token_id"
    case endToken = "eos_token_id"
    case elementType = "torch_dtype"
  }
}

extension LlamaConfiguration {
  /// The configuration as Hugging Face's `config.json`.
  ///
  /// - Parameters:
  ///   - vocabularyCount: V.
  ///   - endOfText: The id of the token between documents; nil: none.
  public func huggingFaceJSON(vocabularyCount: Int, endOfText: Int?) throws -> [UInt8] {
    try HuggingFaceJSON.encode(
      HuggingFaceLlamaConfiguration(
        vocabularySize: vocabularyCount, positionCount: context, width: width,
        innerWidth: feedForwardWidth, layerCount: layers, headCount: heads,
        keyValueHeadCount: keyValueHeadCount, headWidth: headWidth, attentionDropout: dropout,
        normEpsilon: normEpsilon, ropeTheta: ropeTheta, tieWordEmbeddings: tieEmbeddings,
        beginningToken: TokenID(endOfText), endToken: TokenID(endOfText)))
  }

  /// Reads Hugging Face's `config.json`.
  ///
  /// - Parameter path: Named in errors.
  /// - Throws: `UnsupportedModelError` where the file is not that of a Llama, or of a variant that
  ///   differs from it (biases, stretched positions, another activation or head width).
  public init(huggingFaceJSON bytes: [UInt8], path: String) throws(UnsupportedModelError) {
    let found = try HuggingFaceJSON.decode(
      HuggingFaceLlamaConfiguration.self, from: bytes, path: path, of: "a Llama")
    let rope = found.ropeParameters ?? found.ropeScaling
    let heads = max(1, found.headCount)
    let keyValueHeads = found.keyValueHeadCount ?? found.headCount
    try HuggingFaceJSON.require(
      path: path,
      [
        (found.modelType == "llama", "model_type is \(found.modelType), not llama"),
        (found.activation ?? "silu" == "silu", "hidden_act \(found.activation ?? "") is not silu"),
        (found.hasAttentionBias != true, "attention_bias is true"),
        (found.hasFeedForwardBias != true, "mlp_bias is true"),
        (rope?.kind ?? "default" == "default", "rope_type \(rope?.kind ?? "") is not default"),
        (
          found.headCount > 0 && found.width.isMultiple(of: 2 * heads),
          "num_attention_heads does not divide hidden_size into heads of an even width"
        ),
        (
          found.headWidth ?? found.width / heads == found.width / heads,
          "head_dim is not hidden_size / num_attention_heads"
        ),
        (
          keyValueHeads > 0 && found.headCount.isMultiple(of: max(1, keyValueHeads)),
          "num_key_value_heads does not divide num_attention_heads"
        ),
      ])
    self.init()
    layers = found.layerCount
    self.heads = found.headCount
    self.keyValueHeads = keyValueHeads
    width = found.width
    feedForward = found.innerWidth
    context = found.positionCount
    ropeTheta = rope?.theta ?? found.ropeTheta ?? 10_000
    normEpsilon = found.normEpsilon ?? 1e-6
    tieEmbeddings = found.tieWordEmbeddings ?? false
    dropout = found.attentionDropout ?? 0
    vocabulary = found.vocabularySize
  }
}
