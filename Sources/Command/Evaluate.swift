import ArgumentParser
import Foundation
import LockstepCommunication
import LockstepMPICommunication
import LockstepReporting
import LockstepSettings
import LockstepTensors
import LockstepTraining

struct Evaluate: ParsableCommand, ReadsEncryptedFiles {
  static let configuration = CommandConfiguration(
    abstract: "Measures a trained model on held-out data.",
    discussion: """
      Of a model that tells classes apart each class's precision, recall and F1 follow, and which class was taken \
      for which.
      """)

  @Argument(help: .model)
  var source: String

  @Option(
    help: """
      A token file, a table (CSV), images (IDX) or a token file of texts to translate, as the model \
      learned from. Default: the validation file of the run.
      """)
  var data: String?

  @Option(
    help: """
      Where the run's own files are, if not where it was trained; its relative paths start there.
      """)
  var directory: String?

  @Option(help: "The labels (IDX) of the images, or the translations (token file) of the texts.")
  var labels: String?

  @Option(help: "Sequences or samples computed at a time; does not change what is measured.")
  var sequences = 8

  @Option(
    help: """
      Tokens from one window of the text to the next. Less than the model's context lets windows \
      overlap: each token is predicted from more of the text before it. Default: the context.
      """)
  var stride: Int?

  @OptionGroup(title: "Translations") var beamSearch: SearchArguments

  @Flag(help: "Print one JSON object.")
  var json = false

  @Flag(help: "Do not show on a terminal how far the evaluation has come.")
  var quiet = false

  @OptionGroup var precision: PrecisionArgument

  @OptionGroup var key: KeyArguments

  func validate() throws {
    try Requirement.within(1...EvaluationOptions.sequenceLimit).check(sequences, of: "--sequences")
    guard directory == nil || data == nil else {
      throw ValidationError("--directory is of the run's own data, --data of others: give one")
    }
  }

  private var options: EvaluationOptions {
    var options = EvaluationOptions()
    (options.data, options.labels, options.directory) = (data, labels, directory)
    (options.sequences, options.stride) = (sequences, stride)
    options.precision = precision.precision
    if beamSearch.beams != nil || beamSearch.lengthPenalty != nil {
      options.search = beamSearch.search(EvaluationOptions.defaultSearch)
    }
    return options
  }

  func run() throws {
    Launch.run(over: .mpi) { communicator, _ in
      let plan = try ThreadPlan(requested: 0, communicator: communicator)
      let workspace = Workspace(threadCount: plan.threads)
      let evaluation = try ModelEvaluation.opened(
        source: source, options: options, workspace: workspace, communicator)
      if communicator.isRankZero { evaluation.trained.showNotices() }
      var progress = LiveProgress(isWanted: communicator.isRankZero && !quiet)
      let result = try evaluation.run(communicator) {
        progress.show("evaluating", done: $0, of: $1, unit: .things("batches"))
      }
      progress.clear()
      try communicator.onRankZero {
        if json {
          try StandardOutput.write(result.json() + "\n")
        } else {
          try StandardOutput.print(result.text(columns: DescriptorOutput().columns ?? 100))
        }
      }
      return .success
    }
  }
}
