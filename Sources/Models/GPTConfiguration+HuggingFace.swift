/// `config.json` of Hugging Face's `GPT2LMHeadModel`, as far as Lockstep writes and reads it.
public struct HuggingFaceGPT2Configuration: Codable, Equatable, Sendable {
  var architectures = ["GPT2LMHeadModel"]
  var modelType = "gpt2"
  var vocabularySize: Int
  var positionCount: Int
  var width: Int
  var layerCount: Int
  var headCount: Int
  /// F; absent or null means 4D.
  var innerWidth: Int?
  var activation = "gelu_new"
  var residualDropout = 0.0
  var embeddingDropout = 0.0
  var attentionDropout = 0.0
  var layerNormEpsilon = 1e-5
  var initializerRange = 0.02
  var tieWordEmbeddings: Bool? = true
  var beginningToken: Int?
  var endToken: Int?
  var elementType: String? = "float32"

  enum CodingKeys: String, CodingKey {
    case architectures
    case modelType = "model_type"
    case vocabularySize = "vocab_size"
    case positionCount = "n_positions"
    case width = "n_embd"
    case layerCount = "n_layer"
    case headCount = "n_head"
    case innerWidth = "n_inner"
    case activation = "activation_function"
    case residualDropout = "resid_pdrop"
    case embeddingDropout = "embd_pdrop"
    case attentionDropout = "attn_pdrop"
    case layerNormEpsilon = "layer_norm_epsilon"
    case initializerRange = "initializer_range"
    case tieWordEmbeddings = "tie_word_embeddings"
    case beginningToken = "bos_token_id"
    case endToken = "eos_token_id"
    case elementType = "torch_dtype"
  }
}

extension GPTConfiguration {
  /// The configuration as Hugging Face's `config.json`.
  ///
  /// - Parameters:
  ///   - vocabularyCount: V.
  ///   - endOfText: The id of the token between documents; nil: none.
  public func huggingFaceJSON(vocabularyCount: Int, endOfText: Int?) throws -> [UInt8] {
    try HuggingFaceJSON.encode(
      HuggingFaceGPT2Configuration(
        vocabularySize: vocabularyCount, positionCount: context, width: width, layerCount: layers,
        headCount: heads, residualDropout: dropout, embeddingDropout: dropout,
        attentionDropout: dropout, beginningToken: endOfText, endToken: endOfText))
  }

  /// Reads Hugging Face's `config.json`.
  ///
  /// - Parameter path: Named in errors.
  /// - Throws: `UnsupportedModelError` where the file is not that of a GPT-2, or of a variant that
  ///   differs from it (another activation, inner width, epsilon, an untied head).
  public init(huggingFaceJSON bytes: [UInt8], path: String) throws(UnsupportedModelError) {
    let found = try HuggingFaceJSON.decode(
      HuggingFaceGPT2Configuration.self, from: bytes, path: path, of: "a GPT-2")
    try HuggingFaceJSON.require(
      path: path,
      [
        (found.modelType == "gpt2", "model_type is \(found.modelType), not gpt2"),
        (found.activation == "gelu_new", "activation_function \(found.activation) is not gelu_new"),
        (found.innerWidth ?? 4 * found.width == 4 * found.width, "n_inner is not 4 n_embd"),
        (found.layerNormEpsilon == 1e-5, "layer_norm_epsilon is not 1e-5"),
        (found.tieWordEmbeddings ?? true, "tie_word_embeddings is false"),
        (
          found.headCount > 0 && found.width.isMultiple(of: max(1, found.headCount)),
          "n_head does not divide n_embd"
        ),
      ])
    self.init()
    layers = found.layerCount
    heads = found.headCount
    width = found.width
    context = found.positionCount
    dropout = found.residualDropout
    vocabulary = found.vocabularySize
  }
}
