import ArgumentParser
import LockstepCommunication
import LockstepTensors
import LockstepTraining

struct Classify: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Sorts lines of text into classes with a trained model.",
    discussion: """
      Reads lines and writes as many, in the same order: the likeliest class of each, and how likely it is; an \
      empty line for an empty line. Of a line that is longer than the model's context the beginning is read.
      """)

  @Argument(
    help: """
      A run or a checkpoint of the task classification on texts, or a directory of transformers with such a model.
      """)
  var source: String

  @Option(help: "The file of lines, UTF-8. Default: standard input.")
  var input: String?

  @Option(help: "How many classes of each line, likeliest first.")
  var top = 1

  @OptionGroup var text: TextArguments

  @Option(help: "Lines computed at a time; does not change what is said of them.")
  var batch = 16

  @Flag(
    help: "Print a JSON object for each line: line, classes with their probabilities, tokens, cut.")
  var json = false

  @Flag(help: "Print nothing but classes.")
  var quiet = false

  @OptionGroup var precision: PrecisionArgument

  func validate() throws {
    guard top >= 1 else { throw ValidationError("--top is at least 1") }
    guard 1...4096 ~= batch else { throw ValidationError("--batch is at least 1 and at most 4096") }
  }

  func run() throws {
    try LaunchEnvironment.requireOneProcess(for: "classify")
    let workspace = Workspace(threadCount: ProcessorMask.current.usableCount)
    let classifier = try LineClassifier(
      TrainedModel.opened(source, in: workspace, precision: precision), batch: batch,
      special: text.specialTokens)
    var lines = try LineReader(path: input)
    var lineCount = 0
    while let read = try lines.next() {
      for found in try classifier.classify(read, first: lineCount + 1, count: top) {
        if found.isCut && !quiet {
          StandardError.say(
            "lockstep: line \(found.line) is longer than the model's context: its beginning was read"
          )
        }
        try write(found)
      }
      lineCount += read.count
    }
  }

  private func write(_ found: LineClassification) throws {
    if json { return try StandardOutput.printJSON(found) }
    let words = found.classes.map { "\($0.name)\t\(Self.rounded($0.probability))" }
    try StandardOutput.writeText(words.joined(separator: "\t") + "\n")
  }

  private static func rounded(_ probability: Double) -> String {
    "\((probability * 10_000).rounded() / 10_000)"
  }
}
