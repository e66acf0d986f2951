import ArgumentParser
import LockstepDatasets
import LockstepExplanations
import LockstepFiles
import LockstepReporting
import LockstepTensors
import LockstepTraining

struct Explain: ParsableCommand, ReadsEncryptedFiles {
  static let configuration = CommandConfiguration(
    abstract: "Looks inside a trained model: writes a page with what it did and why.",
    discussion: """
      Attention maps of every layer and head, the tokens, pixels or columns that a prediction is owed to \
      (gradient × input), and what each layer would say (logit lens). The page is one file that \
      opens in any browser. What text, images and rows there can be is in docs/explain.md.
      """)

  @Argument(help: .model)
  var source: String

  @Option(help: "The text that a language model reads, or a translation model translates.")
  var text: String?

  @OptionGroup var reading: TextArguments

  @Option(help: "The translation that is looked at. Default: the model's own.")
  var translation: String?

  @Option(
    help: """
      The token after which the prediction is explained, from 0. Default: the last; of a translation \
      the first, where it begins.
      """)
  var position: Int?

  @Option(help: "What is explained: the text of a token, or a class. Default: the likeliest.")
  var target: String?

  @Option(help: "Which of the images a classifier sees, from 0.")
  var image: Int?

  @Option(help: "Which row of a table the model sees, from 0.")
  var row: Int?

  @Option(help: "A file of images (IDX) or rows (CSV). Default: the run's validation data.")
  var data: String?

  @Option(help: "Where the run's own files are, if not where it was trained.")
  var directory: String?

  @Option(help: "The labels (IDX) of the images given with --data.")
  var labels: String?

  @Option(help: "The page to write. Default: explanation.html; with --json none.")
  var output: String?

  @Flag(help: "Print everything that the page shows as one JSON object.")
  var json = false

  @OptionGroup var precision: PrecisionArgument

  @OptionGroup var key: KeyArguments

  func validate() throws {
    guard [text != nil, image != nil, row != nil].count(where: \.self) == 1 else {
      throw ValidationError(
        "give one of --text, for a language model, --image, for a classifier of images, and --row, "
          + "for a model of a table's rows")
    }
    guard position == nil && translation == nil || text != nil else {
      throw ValidationError("--position and --translation go with --text")
    }
    guard data == nil && directory == nil || text == nil else {
      throw ValidationError("--data and --directory go with --image or --row")
    }
    guard labels == nil || image != nil else {
      throw ValidationError("--labels goes with --image")
    }
    try requirePlace(forOutput: output)
  }

  func run() throws {
    let workspace = Workspace(threadCount: ProcessorMask.current.usableCount)
    if let text {
      try show(try explanation(of: text, in: workspace)) { try $0.page() }
    } else if let image {
      let (trained, samples) = try samples(for: "--image", in: workspace)
      try show(
        try ImageExplanation(of: trained, samples: samples, index: image, target: target)
      ) { try $0.page() }
    } else if let row {
      let (trained, samples) = try samples(for: "--row", in: workspace)
      try show(
        try RowExplanation(of: trained, samples: samples, index: row, target: target)
      ) { try $0.page() }
    }
  }

  private func explanation(of text: String, in workspace: Workspace) throws -> TextExplanation {
    try TextExplanation(
      of: TrainedModel.opened(source, in: workspace, precision: precision), text: text,
      translation: translation,
      position: position, target: target, special: reading.specialTokens)
  }

  /// The model and what it sees.
  private func samples(
    for option: String, in workspace: Workspace
  ) throws -> (TrainedModel, SampleSet) {
    let trained = try TrainedModel.opened(source, in: workspace, precision: precision)
    guard trained.kind == .prediction else {
      throw ExplanationError.needsText(path: source, option: option)
    }
    let samples = try trained.heldOutSamples(data: data, labels: labels, directory: directory)
    return (trained, samples)
  }

  private func show<Explanation: Encodable & CustomStringConvertible>(
    _ explanation: Explanation, page: (Explanation) throws -> HTMLPage
  ) throws {
    if let path = output ?? (json ? nil : "explanation.html") {
      let bytes = try page(explanation).bytes
      do {
        try AtomicFile.write(bytes, to: path)
      } catch {
        throw ExplanationError.output(path: path, error)
      }
      if !json { try StandardOutput.print("\(path): \(explanation)") }
    }
    if json { try StandardOutput.printJSON(explanation) }
  }
}
