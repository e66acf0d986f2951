/// `config.json` of Hugging Face's `BertForMaskedLM`, as far as Lockstep writes and reads it.
private struct HuggingFaceBERTConfiguration: Codable {
  var architectures: [String]? = ["BertForMaskedLM"]
  var modelType = "bert"
  var vocabularySize: Int
  var positionCount: Int
  var width: Int
  var innerWidth: Int
  var layerCount: Int
  var headCount: Int
  var tokenTypeCount: Int
  var activation: String
  var hiddenDropout: Double? = 0
  var attentionDropout: Double? = 0
  var normEpsilon: Double? = 1e-12
  var initializerRange: Double? = 0.02
  var tieWordEmbeddings: Bool? = true
  var isDecoder: Bool? = false
  var positionKind: String? = "absolute"
  var paddingToken: TokenID?
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
    case tokenTypeCount = "type_vocab_size"
    case activation = "hidden_act"
    case hiddenDropout = "hidden_dropout_prob"
    case attentionDropout = "attention_probs_dropout_prob"
    case normEpsilon = "layer_norm_eps"
    case initializerRange = "initializer_range"
    case tieWordEmbeddings = "tie_word_embeddings"
    case isDecoder = "is_decoder"
    case positionKind = "position_embedding_type"
    case paddingToken = "pad_token_id"
    case elementType = "torch_dtype"
  }
}

extension ActivationName {
  /// What Hugging Face's `hidden_act` calls it.
  fileprivate var huggingFaceName: String {
    switch self {
    case .leakyReLU: "leaky_relu"
    case .geluTanh: "gelu_new"
    case .relu, .gelu, .silu, .tanh: rawValue
    }
  }
}

extension BERTConfiguration {
  /// The configuration as Hugging Face's `config.json`.
  ///
  /// - Parameter vocabularyCount: V.
  public func huggingFaceJSON(vocabularyCount: Int) throws -> [UInt8] {
    try HuggingFaceJSON.encode(
      HuggingFaceBERTConfiguration(
        vocabularySize: vocabularyCount, positionCount: context, width: width,
        innerWidth: feedForwardWidth, layerCount: layers, headCount: heads,
        tokenTypeCount: tokenTypes, activation: activation.huggingFaceName,
        hiddenDropout: dropout, attentionDropout: dropout, normEpsilon: normEpsilon,
        paddingToken: TokenID(nil)))
  }

  /// Reads Hugging Face's `config.json`.
  ///
  /// - Parameter path: Named in errors.
  /// - Throws: `UnsupportedModelError` where the file is not that of a BERT, or of a variant that
  ///   differs from it (a decoder, other positions, an unknown activation, an untied head).
  public init(huggingFaceJSON bytes: [UInt8], path: String) throws(UnsupportedModelError) {
    let found = try HuggingFaceJSON.decode(
      HuggingFaceBERTConfiguration.self, from: bytes, path: path, of: "a BERT")
    let known = ActivationName.allCases.first { $0.huggingFaceName == found.activation }
    guard let known else {
      throw UnsupportedModelError(path: path, reason: "hidden_act \(found.activation) is unknown")
    }
    let positionKind = found.positionKind ?? "absolute"
    try HuggingFaceJSON.require(
      path: path,
      [
        (found.modelType == "bert", "model_type is \(found.modelType), not bert"),
        (found.isDecoder != true, "is_decoder is true"),
        (positionKind == "absolute", "position_embedding_type \(positionKind) is not absolute"),
        (found.tieWordEmbeddings ?? true, "tie_word_embeddings is false"),
        (
          found.headCount > 0 && found.width.isMultiple(of: max(1, found.headCount)),
          "num_attention_heads does not divide hidden_size"
        ),
      ])
    self.init()
    layers = found.layerCount
    heads = found.headCount
    width = found.width
    feedForward = found.innerWidth
    context = found.positionCount
    activation = known
    normEpsilon = found.normEpsilon ?? 1e-12
    tokenTypes = found.tokenTypeCount
    dropout = found.hiddenDropout ?? 0
    vocabulary = found.vocabularySize
  }
}
