import ArgumentParser
import Foundation
import LockstepCommunication
import LockstepFiles
import LockstepModels
import LockstepSettings
import LockstepTensors
import LockstepTraining

struct Translate: ParsableCommand, ReadsEncryptedFiles {
  static let configuration = CommandConfiguration(
    abstract: "Translates lines with a trained model.",
    discussion: """
      Reads lines and writes as many, in the same order: an empty line for an empty line. What is there \
      to read is translated together and written at once. A line that is longer than the model's \
      context is translated in parts. Without --temperature, --top-k and --top-p a beam search chooses the \
      translation.
      """)

  @Argument(help: "A run or a checkpoint of the task translation.")
  var source: String

  @Option(help: "The file to translate, UTF-8. Default: standard input.")
  var input: String?

  @OptionGroup var text: TextArguments

  @OptionGroup var decoding: DecodingArguments

  @Option(help: "Most tokens of a translation. Default: the model's context.")
  var maxTokens: Int?

  @Option(help: "Lines translated at a time; does not change the translations.")
  var batch = 32

  @Flag(help: "Print a JSON object for each line: line, source, translation, tokens, score, parts.")
  var json = false

  @Flag(help: "Print nothing but translations.")
  var quiet = false

  @OptionGroup var precision: PrecisionArgument

  @OptionGroup var key: KeyArguments

  func validate() throws {
    try Requirement.atLeast(1).check(maxTokens, of: "--max-tokens")
    try Requirement.within(1...4096).check(batch, of: "--batch")
  }

  func run() throws {
    try LaunchEnvironment.requireOneProcess(for: "translate")
    let workspace = Workspace(threadCount: ProcessorMask.current.usableCount)
    let translator = try Translator(
      TrainedModel.opened(source, in: workspace, precision: precision),
      method: decoding.draws
        ? .sampling(decoding.sampling(temperature: 1))
        : .beamSearch(decoding.beamSearch.search(EvaluationOptions.defaultSearch)),
      batch: batch, maxTokens: maxTokens, special: text.specialTokens)
    var lines = try LineReader(path: input)
    var (lineCount, tokenCount, duration) = (0, 0, Duration.zero)
    var progress = LiveProgress(isWanted: !quiet, sharesTerminal: true)
    defer { progress.clear() }
    while let read = try lines.next() {
      let start = ContinuousClock.now
      try answer(read, first: lineCount + 1) { part in
        let translations = try translator.translate(part, first: lineCount + 1) {
          progress.show(
            "translating", done: lines.byteCount(at: $0), of: lines.byteCount, unit: .bytes)
        }
        duration += ContinuousClock.now - start
        progress.clear()
        for (bytes, translation) in zip(part, translations) {
          warn(of: translation, bytes)
          try write(translation)
          tokenCount += translation.tokens
        }
      }
      lineCount += read.count
    }
    let seconds = max(duration / .seconds(1), 1e-6)
    say(
      "\(lineCount) line\(lineCount == 1 ? "" : "s"), \(tokenCount) tokens in "
        + String(format: "%.1f s, %.0f tokens a second", seconds, Double(tokenCount) / seconds))
  }

  private func write(_ translation: Translation) throws {
    if json { return try StandardOutput.printJSON(translation) }
    try StandardOutput.writeText(translation.translation + "\n")
  }

  private func warn(of translation: Translation, _ bytes: [UInt8]) {
    if translation.parts > 1 {
      say(
        """
        lockstep: line \(translation.line) is longer than the model's context: translated in \
        \(translation.parts) parts
        """)
    }
    if String(validating: bytes, as: UTF8.self) == nil {
      say("lockstep: line \(translation.line) is not UTF-8: U+FFFD replaces what is not")
    }
  }

  private func say(_ text: String) {
    guard !quiet else { return }
    StandardError.say(text)
  }
}
