import Foundation
import LockstepCommunication
import LockstepDatasets
import LockstepFiles
import LockstepModels
import LockstepReporting
import LockstepSettings
import LockstepTensors

/// How a trained model is evaluated.
public struct EvaluationOptions: Sendable {
  /// A token file, a table, images, or a token file of texts to translate; nil takes the validation
  /// file of the run.
  public var data: String?
  /// Where the run's own data are, as its configuration has them; nil: where it was trained.
  public var directory: String?
  /// The labels of images, or the token file of translations.
  public var labels: String?
  /// B, sequences or samples computed at a time.
  public var sequences = 8
  /// Tokens from one window to the next, in 1 ... T; nil: T.
  public var stride: Int?
  /// In which format matrices are multiplied; nil: in that of the run.
  public var precision: Precision?
  /// How texts are translated, to be scored; nil: by `defaultSearch`.
  public var search: BeamSearch?

  /// The most sequences at a time: as many as `batch.sequences` can be.
  public static let sequenceLimit = BatchConfiguration.sequenceLimit

  /// How translations are chosen where nothing else is asked for.
  public static let defaultSearch = BeamSearch(beams: 4)

  public init() {}
}

/// Evaluates a trained model on held-out data.
public final class ModelEvaluation {
  /// What is evaluated.
  public let trained: TrainedModel
  private let subject: any EvaluationSubject
  private let workspace: Workspace

  /// - Parameters:
  ///   - source: As of `TrainedModel.open`.
  ///   - workspace: Computes.
  /// - Throws: What `TrainedModel.open` and the readers of data throw; `EvaluationError`.
  public init(source: String, options: EvaluationOptions, workspace: Workspace) throws {
    self.workspace = workspace
    trained = try TrainedModel.open(source, in: workspace, precision: options.precision)
    if options.search != nil && trained.kind != .sequenceToSequence {
      throw EvaluationError.beamsOfNoTranslation
    }
    subject =
      switch trained.model {
      case .language(let model):
        try EvaluatedPreferences(trained, model, options: options)
          ?? EvaluatedText(trained, model, options: options)
      case .maskedLanguage(let model):
        try EvaluatedMaskedText(trained, model, options: options)
      case .encoder: throw EvaluationError.predictsNothing(path: trained.path)
      case .sequenceToSequence(let model): try EvaluatedPairs(trained, model, options: options)
      case .prediction(let model): try EvaluatedSamples(trained, model, options: options)
      case .textClassification: try EvaluatedTexts(trained, options: options)
      }
  }

  /// Opens the same model on every rank: beside a run that goes on, each for itself could find another
  /// newest checkpoint. Collective.
  ///
  /// - Parameters:
  ///   - source: As of `TrainedModel.open`.
  ///   - workspace: Computes on this rank.
  /// - Throws: `AgreedError`.
  public static func opened(
    source: String, options: EvaluationOptions, workspace: Workspace,
    _ communicator: any Communicator
  ) throws -> ModelEvaluation {
    var own: ModelEvaluation?
    let path = try communicator.valueFromRankZero {
      let evaluation = try ModelEvaluation(
        source: source, options: options, workspace: workspace)
      own = evaluation
      return evaluation.trained.path
    }
    return try communicator.agree {
      try own
        ?? ModelEvaluation(source: path, options: options, workspace: workspace)
    }
  }

  /// Measures the loss on all of the data. Collective.
  ///
  /// - Parameter report: Called after each batch with the number of batches that this rank has computed, and
  ///   of all that it computes. Default: nobody asks.
  /// - Throws: `AgreedError`: with `NotFiniteEvaluationError` where the loss is not finite.
  public func run(
    _ communicator: any Communicator, report: (_ done: Int, _ total: Int) -> Void = { _, _ in }
  ) throws -> Report {
    let start = ContinuousClock.now
    subject.beginCounting()
    let (rank, size) = (communicator.rank, communicator.size)
    let share = (rank + 1) * subject.batchCount / size - rank * subject.batchCount / size
    var done = 0
    let result = try Evaluator(communicator: communicator, workspace: workspace)
      .run(count: subject.batchCount, metrics: subject.metrics) { index in
        let loss = try subject.loss(batch: index)
        done += 1
        report(done, share)
        return loss
      }
    if let batch = result.firstNotFinite {
      throw AgreedError(
        NotFiniteEvaluationError(
          checkpoint: trained.path, data: subject.dataPath, batch: batch, value: result.loss),
        speaks: communicator.isRankZero)
    }
    let confusion = try subject.confusion?.sum(over: communicator)
    return Report(
      checkpoint: trained.path, step: trained.step, data: subject.dataPath, loss: result.loss,
      metrics: result.metrics, unit: subject.unit, targets: result.targetCount,
      leftOut: subject.leftOutCount, confusion: confusion,
      seconds: (ContinuousClock.now - start) / .seconds(1))
  }

  /// What an evaluation found.
  public struct Report: Sendable {
    public let checkpoint: String
    public let step: Int?
    public let data: String
    /// Mean loss of a target; for a language model in nats per token.
    public let loss: Double
    public let metrics: [MetricValue]
    /// What the targets are: "tokens" or "samples".
    public let unit: String
    public let targets: Int
    /// Pairs that are longer than the model's context.
    public let leftOut: Int
    /// Which class was taken for which; nil where no classes are predicted.
    public let confusion: ConfusionMatrix?
    public let seconds: Double

    /// One JSON object.
    public func json() throws -> String {
      var members: [String: any Encodable] = [
        "checkpoint": checkpoint, "data": data, "loss": loss, unit: targets, "seconds": seconds,
      ]
      if let step { members["step"] = step }
      if leftOut > 0 { members["left_out"] = leftOut }
      for metric in metrics { members[metric.key] = metric.value }
      if let confusion {
        members["classes"] = confusion.scores
        members["macro_f1"] = confusion.macroF1
        if confusion.classes.count <= ConfusionMatrix.mostRows {
          members["confusion"] = confusion.rows
        } else {
          members["confusions"] = confusion.elements
        }
      }
      let data = try JSONFormat.encoder().encode(members.mapValues { Member(value: $0) })
      return String(decoding: data, as: UTF8.self)
    }

    private struct Member: Encodable {
      let value: any Encodable

      func encode(to encoder: any Encoder) throws { try value.encode(to: encoder) }
    }

    /// The text that the command prints.
    ///
    /// - Parameter columns: How many characters a line may have. Default: 100.
    public func text(columns: Int = 100) -> String {
      let figures = [String(format: "loss %.4f", loss)] + metrics.map(\.description)
      let note = leftOut > 0 ? "; \(leftOut) longer than the context left out" : ""
      let line =
        "\(checkpoint) on \(data): \(figures.joined(separator: "  "))  "
        + String(format: "(%d %@, %.1f s%@)", targets, unit, seconds, note)
      guard let confusion else { return line }
      return ([line, ""] + confusion.lines(columns: columns)).joined(separator: "\n")
    }
  }
}

/// A model that measures nothing: its loss is not finite.
public struct NotFiniteEvaluationError: Error, Equatable, CustomStringConvertible {
  public let checkpoint: String
  public let data: String
  /// The first such batch, from 0.
  public let batch: Int
  public let value: Double

  public var description: String {
    """
    \(checkpoint): its loss on \(data) is \(value.isNaN ? "not a number" : "infinite"), first in batch \
    \(batch): its parameters are damaged, or its training has diverged; use an earlier checkpoint
    """
  }
}

/// Why nothing can be evaluated.
public enum EvaluationError: UserInputError, Equatable {
  case noData(source: String)
  /// A file of the run is not there; the directory is the one that the run recorded, if it did.
  case noOwnData(name: String, directory: String?)
  case wrongStride(Int, context: Int)
  case strideOfNoText
  case beamsOfNoTranslation
  case noLabels(images: String)
  case labelsOfNoImages
  case noTranslations(source: String)
  case noMask(tokenizerOf: String)
  /// An encoder without a head.
  case predictsNothing(path: String)

  public var description: String {
    switch self {
    case .noData(let source):
      "\(source) names no validation file: give one with --data"
    case .noOwnData(let name, let directory):
      "\(name) of the run is not there"
        + (name.hasPrefix("/")
          ? ""
          : ", seen from \(directory ?? "the current directory")"
            + (directory == nil ? "" : ", where it was trained"))
        + ": give the data with --data, or where they are now with --directory"
    case .wrongStride(let stride, let context):
      "--stride \(stride): expected 1 to \(context), the model's context"
    case .strideOfNoText: "--stride is for language models: leave it out"
    case .beamsOfNoTranslation:
      "--beams and --length-penalty are for translation models: leave them out"
    case .noLabels(let images): "--data \(images): give the images' labels with --labels"
    case .labelsOfNoImages: "--labels goes with the images of --data"
    case .noMask(let path):
      "\(path): has no special token \(Vocabulary.maskName), in whose place the model predicts: put the "
        + "tokenizer there that it learned with"
    case .predictsNothing(let path):
      "\(path): holds an encoder of texts without a head, which predicts nothing to be evaluated; lockstep embed makes "
        + "vectors with it"
    case .noTranslations(let source):
      "--data \(source): give the token file of the translations with --labels"
    }
  }
}
