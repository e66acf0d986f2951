import ArgumentParser
import Datasets
import Foundation

/// `lockstep prepare`: text to token files.
struct Prepare: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Make token files from text.",
    discussion: """
      Writes train.bin, validation.bin, tokenizer.json and dataset.json into the output directory. \
      The last part of the text is held out for validation; the tokenizer is trained on the rest. \
      Documents, that is files, and parts of a file with <|endoftext|> between them, are kept \
      apart by that token. A directory that already holds the same data set is left as it is.
      """)

  @Argument(
    help: "Text files, directories of *.txt files at any depth, or - for standard input.")
  var inputs: [String] = []

  @Option(help: "The directory to write to; it is made if need be.")
  var output: String

  @Option(
    help: ArgumentHelp(
      "bpe, bytes, characters, or a tokenizer.json.", valueName: "bpe|bytes|characters|file"))
  var tokenizer = "bpe"

  @Option(
    help: """
      Number of tokens that bpe learns, at least 257 \
      (default: \(DatasetPreparation.defaultVocabularySize)).
      """)
  var vocabularySize: Int?

  @Option(help: "The fraction of the text that is held out, from its end; 0 for none.")
  var validationFraction = DatasetPreparation.defaultValidationFraction

  @Flag(help: "Replace a data set that the output directory holds.")
  var overwrite = false

  @Flag(help: "Print what was made as JSON, nothing else.")
  var json = false

  @Flag(help: "Print nothing.")
  var quiet = false

  func run() throws {
    let preparation = DatasetPreparation(
      inputs: inputs, output: output,
      tokenizer: try DatasetPreparation.TokenizerSource(
        named: tokenizer, vocabularySize: vocabularySize),
      validationFraction: validationFraction, overwrites: overwrite)
    var progress = PreparationProgress(isShown: !quiet && !json)
    let outcome = try preparation.run { progress.show($0) }
    progress.finish()
    if json {
      print(String(decoding: try outcome.manifest.json(), as: UTF8.self), terminator: "")
    } else if !quiet {
      print(outcome.summary(directory: output))
    }
  }
}

/// How far `prepare` has come, on standard error: one live line, or a line for each phase where
/// there is no terminal.
private struct PreparationProgress {
  let isShown: Bool
  private let isLive = isatty(FileHandle.standardError.fileDescriptor) == 1
  private var phase = ""
  private var percent = -1

  init(isShown: Bool) {
    self.isShown = isShown
  }

  mutating func show(_ progress: DatasetPreparation.Progress) {
    guard isShown else { return }
    let (newPhase, done, total) =
      switch progress {
      case .counting(let done, let total): ("counting words", done, total)
      case .merging(let done, let total): ("learning merges", done, total)
      case .encoding(let done, let total): ("encoding", done, total)
      }
    let newPercent = total > 0 ? 100 * done / total : 100
    if newPhase == phase && newPercent == percent { return }
    if isLive {
      write("\r\u{1B}[K\(newPhase) \(newPercent) %")
    } else if newPhase != phase {
      write(newPhase + "\n")
    }
    phase = newPhase
    percent = newPercent
  }

  mutating func finish() {
    if isShown && isLive && !phase.isEmpty { write("\r\u{1B}[K") }
  }

  private func write(_ text: String) {
    FileHandle.standardError.write(Data(text.utf8))
  }
}
