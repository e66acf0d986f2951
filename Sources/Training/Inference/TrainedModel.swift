import LockstepCheckpoints
import LockstepDatasets
import LockstepModels
import LockstepNeuralNetworks
import LockstepTensors
import LockstepWeights

/// A trained model with all that its files say of it, whoever saved it.
///
///     let trained = try TrainedModel.open("runs/kjv", in: workspace)
///     if case .language(let model) = trained.model { … }
public struct TrainedModel {
  /// A model, by what it maps to what.
  public enum Network {
    case language(any LanguageModel)
    case maskedLanguage(any MaskedLanguageModel)
    case encoder(any TextEncoder)
    case sequenceToSequence(any SequenceToSequenceModel)
    case prediction(any Predictor)
    case textClassification(any TextClassifier)

    /// The model as something with parameters.
    public var module: any Module {
      switch self {
      case .language(let model): model
      case .maskedLanguage(let model): model
      case .encoder(let model): model
      case .sequenceToSequence(let model): model
      case .prediction(let model): model
      case .textClassification(let model): model
      }
    }
  }

  /// Its parameters are read and bound.
  public let model: Network
  public let kind: ModelKind
  /// Computes with the model.
  public let workspace: Workspace
  /// Nil where there is none.
  public let tokenizer: (any Tokenizer)?
  /// What the user named.
  public let source: String
  /// The directory that was read, or the GGUF file.
  public let path: String
  /// The file that the tokenizer is in, if there is one.
  public let tokenizerPath: String
  /// Optimiser steps taken; nil where that is not known.
  public let step: Int?
  /// Of the checkpoint, as its manifest says; nil where it is none.
  public let parametersSHA256: String?
  /// Of the run that the model is from; nil for another program's model.
  public let configuration: RunConfiguration?
  /// The network.
  public let architecture: any Architecture
  /// How texts begin and end, and how conversations are written as such.
  public let conventions: TextConventions
  /// Of the samples that a predictor learned from; nil for a model of text.
  public let samples: SampleDescription?
  /// Those that a model sorts texts into; nil for a model that does not.
  public let classes: TextClasses?
  /// What a user should know of how the files were read.
  private let readingNotices: [String]
  /// Newer checkpoints of the run, newest first, that can not be read and were passed over.
  public let skipped: [SkippedCheckpoint]
  /// The parameters, as long as the model is there; of a model with an adapter without it.
  let parameters: [TensorView]
  /// Where the model is that an adapter belongs to; nil: this is a model without an adapter.
  public let base: String?
  private let boundAdapter: BoundAdapter?
  /// Tensors of the files that belong to heads which the model does not have.
  let unusedTensors: [String]
  /// Stays as long as the model, beside a run that goes on: other ranks read it, too.
  private let checkpoint: Checkpoint?

  /// Opens what lies at a path: a run, whose newest complete checkpoint is taken; a checkpoint; a
  /// directory that Hugging Face's `save_pretrained` wrote; or a GGUF file.
  ///
  /// - Parameters:
  ///   - workspace: Computes with the model. Its products are in the model's precision from then on, those of
  ///     models that it had before too: models of different precisions need a workspace each.
  ///   - precision: In which format the model's matrices are multiplied; nil: in that of its run, float32
  ///     where there is none. Default: nil.
  /// - Throws: `LoadingError`; `WeightError` where the tensors are not those of the model;
  ///   `ConfigurationError`, `UnsupportedModelError` or `TokenizerError` where a file beside them can
  ///   not be understood.
  public static func open(
    _ path: String, in workspace: Workspace, precision: Precision? = nil
  ) throws -> TrainedModel {
    let trained = try ModelPlace.reading(path, threads: workspace.threads) { place, skipped in
      try TrainedModel(
        source: path, description: ModelDescription(at: place, skipped: skipped),
        workspace: workspace)
    }
    let precision = precision ?? trained.configuration?.plan.precision ?? .float32
    guard precision == .float32 || workspace.products.library == .canonical else {
      throw LoadingError.otherProducts(path: path, precision: precision)
    }
    workspace.products.format = precision.format
    return trained
  }

  private init(source: String, description: ModelDescription, workspace: Workspace) throws {
    self.source = source
    self.workspace = workspace
    path = description.path
    checkpoint = description.checkpoint
    step = checkpoint?.step
    parametersSHA256 = checkpoint?.manifest.parametersSHA256
    skipped = description.skipped
    configuration = description.configuration
    architecture = description.architecture
    summary = description.summary
    tokenizer = description.tokenizer
    tokenizerPath = description.tokenizerPath
    conventions = description.conventions
    readingNotices = description.notices
    samples = description.samples
    classes = description.classes
    kind = description.kind
    model = try description.network()
    if let adapter = try description.adapter(threads: workspace.threads) {
      let bound = try adapter.bind(model.module, in: workspace)
      try description.checkpoint?.requireParameters(bound.saved)
      parameters = bound.model
      boundAdapter = bound
      unusedTensors = []
      base = adapter.base.path
    } else {
      let (weights, names) = (try description.weights(), architecture.weightNames)
      let known = Set(model.module.namedParameters.map(\.name))
      unusedTensors = weights.tensors.map(\.name).filter {
        names.isOfOtherHead($0) && names.parameter(of: $0, among: known) == nil
      }
      parameters = try model.module.bind(to: weights, names: names, in: workspace)
      try description.checkpoint?.requireParameters(parameters)
      boundAdapter = nil
      base = nil
    }
  }

  /// Folds the adapter into the parameters; what the model itself computes from then on has no meaning. Does nothing
  /// where there is none.
  func mergeAdapter() { boundAdapter?.merge() }

  /// One line about the architecture, for people.
  public let summary: String

  /// What a user should know of how the model was found, a line each; usually nothing.
  public var notices: [String] {
    skipped.map { "\($0): \(path) is read instead" } + readingNotices
  }

  /// How a conversation is written as a text, in Jinja; nil where the model's files do not say.
  public var chatTemplate: String? { conventions.chatTemplate }
  /// The name of the token that begins a text; nil where there is none.
  public var beginOfTextName: String? { conventions.beginOfTextName }
  /// The names of the tokens that end a text, or an answer.
  public var endOfTextNames: [String] { conventions.endOfTextNames }
}

extension ModelDescription {
  /// The model, its parameters not yet bound.
  ///
  /// - Throws: `LoadingError` where the number of tokens, or what samples are like, is not said;
  ///   `SampleShapeError`.
  func network() throws -> TrainedModel.Network {
    if let classes {
      guard let classifying = architecture as? any ClassifyingArchitecture else {
        throw LoadingError.noDescription(
          path: path + "/" + TextClasses.fileName,
          problem: "a network of architecture \(type(of: architecture).name) sorts no texts")
      }
      return .textClassification(
        classifying.classifier(
          vocabularyCount: try vocabularyCount(), classCount: classes.names.count))
    }
    switch architecture.role {
    case .language(let architecture):
      return .language(architecture.model(vocabularyCount: try vocabularyCount()))
    case .maskedLanguage(let architecture):
      return .maskedLanguage(architecture.model(vocabularyCount: try vocabularyCount()))
    case .encoder(let architecture):
      return .encoder(architecture.encoder(vocabularyCount: try vocabularyCount()))
    case .sequenceToSequence(let architecture):
      return .sequenceToSequence(architecture.model(vocabularyCount: try vocabularyCount()))
    case .prediction(let architecture):
      guard let samples else {
        throw LoadingError.noDescription(path: path + "/samples.json", problem: "no such file")
      }
      return .prediction(
        try architecture.model(
          sampleShape: Shape(samples.sampleShape), outputs: samples.outputCount))
    }
  }
}

// MARK: - What a use needs

extension TrainedModel {
  /// - Throws: `LoadingError.otherModel` where this is a model of another kind.
  public func languageModel() throws(LoadingError) -> any LanguageModel {
    guard case .language(let model) = model else { throw isNot(.language) }
    return model
  }

  /// - Throws: `LoadingError.otherModel` where this is a model of another kind.
  public func maskedLanguageModel() throws(LoadingError) -> any MaskedLanguageModel {
    guard case .maskedLanguage(let model) = model else { throw isNot(.maskedLanguage) }
    return model
  }

  /// - Throws: `LoadingError.otherModel` where this is a model of another kind.
  public func sequenceToSequenceModel() throws(LoadingError) -> any SequenceToSequenceModel {
    guard case .sequenceToSequence(let model) = model else { throw isNot(.sequenceToSequence) }
    return model
  }

  /// - Throws: `LoadingError.otherModel` where this is a model of another kind.
  public func predictor() throws(LoadingError) -> any Predictor {
    guard case .prediction(let model) = model else { throw isNot(.prediction) }
    return model
  }

  /// - Throws: `LoadingError.otherModel` where this is a model of another kind.
  public func textClassifier() throws(LoadingError) -> (any TextClassifier, TextClasses) {
    guard case .textClassification(let model) = model, let classes else {
      throw isNot(.textClassification)
    }
    return (model, classes)
  }

  /// - Throws: `LoadingError.noTokenizer`.
  public func requiredTokenizer() throws(LoadingError) -> any Tokenizer {
    guard let tokenizer else { throw .noTokenizer(path: path) }
    return tokenizer
  }

  /// The token that ends a text, and that says "begin" to the decoder of a translation model.
  ///
  /// - Throws: `LoadingError.noTokenizer` or `.noEndOfText`.
  public func requiredEndOfText() throws(LoadingError) -> Int32 {
    guard let token = try requiredTokenizer().endOfText else {
      throw .noEndOfText(path: tokenizerPath)
    }
    return token
  }

  private func isNot(_ expected: ModelKind) -> LoadingError {
    .otherModel(path: path, found: kind, expected: expected)
  }
}
