import LockstepSettings
import LockstepTensors

/// What a model maps to what, which decides the tasks that it can learn.
public enum ModelKind: Sendable, CustomStringConvertible {
  /// Tokens to the tokens that follow: a `LanguageModel`.
  case language
  /// Tokens, some hidden, to the hidden ones: a `MaskedLanguageModel`.
  case maskedLanguage
  /// A source and the tokens so far to the token that follows: a `SequenceToSequenceModel`.
  case sequenceToSequence
  /// Samples to classes or values: a `Predictor`.
  case prediction

  /// What people call it.
  public var description: String {
    switch self {
    case .language: "a model that continues texts"
    case .maskedLanguage: "a model that fills in hidden tokens"
    case .sequenceToSequence: "a model that translates"
    case .prediction: "a model for samples"
    }
  }

  /// The architectures of this kind, as a configuration names them: `linear, mlp`.
  public var architectureNames: String {
    switch self {
    case .language: "gpt or llama"
    case .maskedLanguage: "bert"
    case .sequenceToSequence: "transformer"
    case .prediction: "linear, sine, mlp or vit"
    }
  }
}

extension ModelConfiguration {
  public var kind: ModelKind {
    switch architecture {
    case .gpt, .llama: .language
    case .bert: .maskedLanguage
    case .transformer: .sequenceToSequence
    case .linear, .sine, .mlp, .vit: .prediction
    }
  }

  /// The language model that this section describes, its parameters not yet bound; nil where it
  /// describes a model of another kind.
  ///
  /// - Parameter vocabularyCount: V, where the section does not name one itself.
  public func languageModel(vocabularyCount: Int) -> (any LanguageModel)? {
    switch architecture {
    case .gpt(let configuration):
      GPT(configuration, vocabularyCount: configuration.vocabulary ?? vocabularyCount)
    case .llama(let configuration):
      Llama(configuration, vocabularyCount: configuration.vocabulary ?? vocabularyCount)
    case .bert, .transformer, .linear, .sine, .mlp, .vit: nil
    }
  }

  /// The masked language model that this section describes, its parameters not yet bound; nil where
  /// it describes a model of another kind.
  ///
  /// - Parameter vocabularyCount: V, where the section does not name one itself.
  public func maskedLanguageModel(vocabularyCount: Int) -> (any MaskedLanguageModel)? {
    switch architecture {
    case .bert(let configuration):
      BERT(configuration, vocabularyCount: configuration.vocabulary ?? vocabularyCount)
    case .gpt, .llama, .transformer, .linear, .sine, .mlp, .vit: nil
    }
  }

  /// The model of pairs that this section describes, its parameters not yet bound; nil where it
  /// describes a model of another kind.
  ///
  /// - Parameter vocabularyCount: V, where the section does not name one itself.
  public func sequenceToSequenceModel(
    vocabularyCount: Int
  ) -> (any SequenceToSequenceModel)? {
    switch architecture {
    case .transformer(let configuration):
      Transformer(configuration, vocabularyCount: configuration.vocabulary ?? vocabularyCount)
    case .gpt, .llama, .bert, .linear, .sine, .mlp, .vit: nil
    }
  }

  /// The predictor that this section describes, its parameters not yet bound; nil where it describes
  /// a model of another kind.
  ///
  /// - Parameters:
  ///   - sampleShape: [H, W] of an image, [F] of a table's row.
  ///   - outputs: C, numbers to be given for each sample.
  /// - Throws: `SampleShapeError` where the architecture can not take such samples.
  public func predictor(
    sampleShape: Shape, outputs: Int
  ) throws(SampleShapeError) -> (any Predictor)? {
    switch architecture {
    case .gpt, .llama, .bert, .transformer: return nil
    case .linear: return LinearPredictor(features: sampleShape.count, outputs: outputs)
    case .sine:
      guard sampleShape == [1] && outputs == 1 else {
        throw SampleShapeError(
          key: "model.architecture",
          reason: "sine predicts one number from one, not \(outputs) from \(sampleShape)")
      }
      return SineWave()
    case .mlp(let configuration):
      return MultilayerPerceptron(configuration, features: sampleShape.count, outputs: outputs)
    case .vit(let configuration):
      let tiles =
        sampleShape.rank == 2
        && sampleShape.dimensions.allSatisfy { $0.isMultiple(of: configuration.patch) }
      guard tiles else {
        throw SampleShapeError(
          key: "model.patch",
          reason: "patches of side \(configuration.patch) do not tile samples \(sampleShape)")
      }
      return VisionTransformer(configuration, sampleShape: sampleShape, outputs: outputs)
    }
  }

  /// T, the longest sequence in tokens; 1 where a sample is no sequence.
  public var context: Int {
    switch architecture {
    case .gpt(let configuration): configuration.context
    case .llama(let configuration): configuration.context
    case .bert(let configuration): configuration.context
    case .transformer(let configuration): configuration.context
    case .linear, .sine, .mlp, .vit: 1
    }
  }

  /// V where the section names it; nil: the tokenizer's.
  public var vocabulary: Int? {
    switch architecture {
    case .gpt(let configuration): configuration.vocabulary
    case .llama(let configuration): configuration.vocabulary
    case .bert(let configuration): configuration.vocabulary
    case .transformer(let configuration): configuration.vocabulary
    case .linear, .sine, .mlp, .vit: nil
    }
  }

  /// One line for people: "gpt, 4 layers, 4 heads, width 256, context 128".
  public var summary: String {
    switch architecture {
    case .gpt(let gpt):
      return Self.summary(
        "gpt", layers: gpt.layers, heads: gpt.heads, width: gpt.width,
        ["context \(gpt.context)"], dropout: gpt.dropout, recompute: gpt.recompute)
    case .llama(let llama):
      let shared =
        llama.keyValueHeadCount < llama.heads ? ["\(llama.keyValueHeadCount) of keys"] : []
      return Self.summary(
        "llama", layers: llama.layers, heads: llama.heads, width: llama.width,
        shared + ["context \(llama.context)"], dropout: llama.dropout, recompute: llama.recompute)
    case .bert(let bert):
      return Self.summary(
        "bert", layers: bert.layers, heads: bert.heads, width: bert.width,
        ["context \(bert.context)"], dropout: bert.dropout, recompute: bert.recompute)
    case .transformer(let transformer): return transformer.summary
    case .linear: return "linear"
    case .sine: return "sine"
    case .mlp(let mlp):
      let widths = mlp.hidden.map(String.init).joined(separator: "-")
      let dropout = mlp.dropout > 0 ? ", dropout \(mlp.dropout)" : ""
      return "mlp, hidden \(widths), \(mlp.activation.rawValue)\(dropout)"
    case .vit(let vit):
      return Self.summary(
        "vit, patch \(vit.patch)", layers: vit.layers, heads: vit.heads, width: vit.width,
        ["\(vit.positions.rawValue) positions"], dropout: vit.dropout, recompute: vit.recompute)
    }
  }

  /// What the summaries of Transformers have in common.
  private static func summary(
    _ name: String, layers: Int, heads: Int, width: Int, _ details: [String], dropout: Double,
    recompute: Bool = false
  ) -> String {
    let parts =
      [name, "\(layers) layer\(layers == 1 ? "" : "s")", "\(heads) head\(heads == 1 ? "" : "s")"]
      + ["width \(width)"] + details + (dropout > 0 ? ["dropout \(dropout)"] : [])
      + (recompute ? ["recomputed in backward"] : [])
    return parts.joined(separator: ", ")
  }

  /// The network's description as Hugging Face's `config.json`; nil where `transformers` has no such
  /// network.
  public func huggingFaceJSON(vocabularyCount: Int, endOfText: Int?) throws -> [UInt8]? {
    switch architecture {
    case .gpt(let configuration):
      try configuration.huggingFaceJSON(
        vocabularyCount: configuration.vocabulary ?? vocabularyCount, endOfText: endOfText)
    case .llama(let configuration):
      try configuration.huggingFaceJSON(
        vocabularyCount: configuration.vocabulary ?? vocabularyCount, endOfText: endOfText)
    case .bert(let configuration):
      try configuration.huggingFaceJSON(
        vocabularyCount: configuration.vocabulary ?? vocabularyCount)
    case .transformer, .linear, .sine, .mlp, .vit: nil
    }
  }

  /// Reads Hugging Face's `config.json`.
  ///
  /// - Throws: `UnsupportedModelError`.
  public init(huggingFaceJSON bytes: [UInt8], path: String) throws(UnsupportedModelError) {
    switch try HuggingFaceJSON.modelType(of: bytes, path: path) {
    case "gpt2": self.init(.gpt(try GPTConfiguration(huggingFaceJSON: bytes, path: path)))
    case "llama": self.init(.llama(try LlamaConfiguration(huggingFaceJSON: bytes, path: path)))
    case "bert": self.init(.bert(try BERTConfiguration(huggingFaceJSON: bytes, path: path)))
    case let other:
      throw UnsupportedModelError(
        path: path, reason: "model_type is \(other); gpt2, llama and bert are supported")
    }
  }
}
