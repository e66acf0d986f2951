extension ModelConfiguration {
  /// The network that this section describes, its parameters not yet bound.
  ///
  /// - Parameter vocabularyCount: V, where the section does not name one itself.
  public func languageModel(vocabularyCount: Int) -> any LanguageModel {
    switch architecture {
    case .gpt(let configuration):
      GPT(configuration, vocabularyCount: configuration.vocabulary ?? vocabularyCount)
    }
  }

  /// T, the longest sequence in tokens.
  public var context: Int {
    switch architecture {
    case .gpt(let configuration): configuration.context
    }
  }

  /// V where the section names it; nil: the tokenizer's.
  public var vocabulary: Int? {
    switch architecture {
    case .gpt(let configuration): configuration.vocabulary
    }
  }

  /// One line for people: "gpt, 4 layers, 4 heads, width 256, context 128".
  public var summary: String {
    switch architecture {
    case .gpt(let gpt):
      let dropout = gpt.dropout > 0 ? ", dropout \(gpt.dropout)" : ""
      let recompute = gpt.recompute ? ", recomputed in backward" : ""
      let layers = "\(gpt.layers) layer\(gpt.layers == 1 ? "" : "s")"
      let heads = "\(gpt.heads) head\(gpt.heads == 1 ? "" : "s")"
      return "gpt, \(layers), \(heads), width \(gpt.width), context \(gpt.context)\(dropout)"
        + recompute
    }
  }

  /// The network's description as Hugging Face's `config.json`.
  public func huggingFaceJSON(vocabularyCount: Int, endOfText: Int?) throws -> [UInt8] {
    switch architecture {
    case .gpt(let configuration):
      try configuration.huggingFaceJSON(
        vocabularyCount: configuration.vocabulary ?? vocabularyCount, endOfText: endOfText)
    }
  }

  /// Reads Hugging Face's `config.json`.
  ///
  /// - Throws: `UnsupportedModelError`.
  public init(huggingFaceJSON bytes: [UInt8], path: String) throws(UnsupportedModelError) {
    self.init(.gpt(try GPTConfiguration(huggingFaceJSON: bytes, path: path)))
  }
}
