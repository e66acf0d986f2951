import ArgumentParser
import LockstepExplanations
import LockstepFiles
import LockstepReporting
import LockstepTensors
import LockstepTraining

struct Explain: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Looks inside a trained model: writes a page with what it did and why.",
    discussion: """
      Attention maps of every layer and head, the tokens or pixels that a prediction is owed to \
      (gradient × input), and what each layer would say (logit lens). The page is one file that \
      opens in any browser. What text and images there can be is in docs/explain.md.
      """)

  @Argument(help: "A run, a checkpoint, or a directory with config.json and model.safetensors.")
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

  @Option(help: "A file of images (IDX). Default: the validation images of the run.")
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

  func validate() throws {
    guard (text == nil) != (image == nil) else {
      throw ValidationError(
        "give either --text, for a language model, or --image, for a classifier of images")
    }
    guard position == nil && translation == nil || text != nil else {
      throw ValidationError("--position and --translation go with --text")
    }
    guard data == nil && labels == nil && directory == nil || image != nil else {
      throw ValidationError("--data, --labels and --directory go with --image")
    }
  }

  func run() throws {
    let workspace = Workspace(threadCount: ProcessorMask.current.usableCount)
    if let text {
      try show(try explanation(of: text, in: workspace)) { try $0.page() }
    } else if let image {
      try show(try explanation(ofImage: image, in: workspace)) { try $0.page() }
    }
  }

  private func explanation(of text: String, in workspace: Workspace) throws -> TextExplanation {
    try TextExplanation(
      of: TrainedModel.opened(source, in: workspace, precision: precision), text: text,
      translation: translation,
      position: position, target: target, special: reading.specialTokens)
  }

  private func explanation(
    ofImage index: Int, in workspace: Workspace
  ) throws -> ImageExplanation {
    let trained = try TrainedModel.opened(source, in: workspace, precision: precision)
    guard trained.kind == .prediction else { throw ExplanationError.needsText(path: source) }
    return try ImageExplanation(
      of: trained,
      samples: trained.heldOutSamples(data: data, labels: labels, directory: directory),
      index: index, target: target)
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
