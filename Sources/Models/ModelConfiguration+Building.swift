import Settings
import Tensors

/// What a model maps to what, which decides the tasks that it can learn.
public enum ModelKind: Sendable {
  /// Tokens to the tokens that follow: a `LanguageModel`.
  case language
  /// A source and the tokens so far to the token that follows: a `SequenceToSequenceModel`.
  case sequenceToSequence
  /// Samples to classes or values: a `Predictor`.
  case prediction

  /// The architectures of this kind, as a configuration names them: `linear, mlp`.
  public var architectureNames: String {
    switch self {
    case .language: "gpt"
    case .sequenceToSequence: "transformer"
    case .prediction: "linear, sine, mlp or vit"
    }
  }
}

extension ModelConfiguration {
  public var kind: ModelKind {
    switch architecture {
    case .gpt: .language
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
    case .transformer, .linear, .sine, .mlp, .vit: nil
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
    case .gpt, .linear, .sine, .mlp, .vit: nil
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
    case .gpt, .transformer: return nil
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
    case .transformer(let configuration): configuration.context
    case .linear, .sine, .mlp, .vit: 1
    }
  }

  /// V where the section names it; nil: the tokenizer's.
  public var vocabulary: Int? {
    switch architecture {
    case .gpt(let configuration): configuration.vocabulary
    case .transformer(let configuration): configuration.vocabulary
    case .linear, .sine, .mlp, .vit: nil
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
    case .transformer(let transformer): return transformer.summary
    case .linear: return "linear"
    case .sine: return "sine"
    case .mlp(let mlp):
      let widths = mlp.hidden.map(String.init).joined(separator: "-")
      let dropout = mlp.dropout > 0 ? ", dropout \(mlp.dropout)" : ""
      return "mlp, hidden \(widths), \(mlp.activation.rawValue)\(dropout)"
    case .vit(let vit):
      let dropout = vit.dropout > 0 ? ", dropout \(vit.dropout)" : ""
      let layers = "\(vit.layers) layer\(vit.layers == 1 ? "" : "s")"
      let heads = "\(vit.heads) head\(vit.heads == 1 ? "" : "s")"
      return "vit, patch \(vit.patch), \(layers), \(heads), width \(vit.width), "
        + "\(vit.positions.rawValue) positions\(dropout)"
    }
  }

  /// The network's description as Hugging Face's `config.json`; nil where `transformers` has no such
  /// network.
  public func huggingFaceJSON(vocabularyCount: Int, endOfText: Int?) throws -> [UInt8]? {
    switch architecture {
    case .gpt(let configuration):
      try configuration.huggingFaceJSON(
        vocabularyCount: configuration.vocabulary ?? vocabularyCount, endOfText: endOfText)
    case .transformer, .linear, .sine, .mlp, .vit: nil
    }
  }

  /// Reads Hugging Face's `config.json`.
  ///
  /// - Throws: `UnsupportedModelError`.
  public init(huggingFaceJSON bytes: [UInt8], path: String) throws(UnsupportedModelError) {
    self.init(.gpt(try GPTConfiguration(huggingFaceJSON: bytes, path: path)))
  }
}
