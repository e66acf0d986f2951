import ArgumentParser
import Foundation
import LockstepChatTemplates
import LockstepCommunication
import LockstepDatasets
import LockstepFiles
import LockstepSettings
import LockstepTensors
import LockstepTraining

struct Answer: ParsableCommand, ReadsEncryptedFiles {
  static let configuration = CommandConfiguration(
    abstract: "Answers a file of conversations with a trained language model.",
    discussion: """
      The file has a JSON object a line, as prepare --chat takes it: with messages, with prompt, or with \
      instruction and input. An answer that a conversation ends with is left out; the model writes its \
      own. Answers come one a line, in the order of the file; line breaks in them become spaces. If a \
      conversation leaves no room for an answer in the model's context, its line is empty, and a message \
      says so.

      Without --temperature, --top-k and --top-p each token is the likeliest one; with --top-k or --top-p \
      alone the temperature is 1. With --references the answers of the file \
      are written to another file, line for line: lockstep score compares both.
      """)

  @Argument(help: .model)
  var source: String

  @Argument(help: "The conversations, a JSON object a line; - is standard input.")
  var questions: String

  @Option(help: "What the model is told before all else, where a conversation does not say it.")
  var system: String?

  @OptionGroup var template: TemplateArguments

  @Option(help: "Most tokens of an answer.")
  var maxTokens = 512

  @OptionGroup var drawing: SamplingArguments

  @Option(help: "Conversations answered at a time; does not change the answers.")
  var batch = 16

  @Option(help: ArgumentHelp("Write the file's own answers here.", valueName: "file"))
  var references: String?

  @Flag(help: "Print a JSON object for each answer: line, answer, reference, tokens, ending.")
  var json = false

  @Flag(help: "Print nothing but answers.")
  var quiet = false

  @OptionGroup var precision: PrecisionArgument

  @OptionGroup var key: KeyArguments

  func validate() throws {
    try Requirement.atLeast(1).check(maxTokens, of: "--max-tokens")
    try Requirement.within(1...4096).check(batch, of: "--batch")
  }

  func run() throws {
    try LaunchEnvironment.requireOneProcess(for: "answer")
    let date = try template.givenDate() ?? .now
    let (questions, notes) = try Question.read(questions)
    for note in notes { say("lockstep: \(note)") }
    let known = try references.map { try referenceLines(of: questions, path: $0) }
    let workspace = Workspace(threadCount: ProcessorMask.current.usableCount)
    let trained = try TrainedModel.opened(source, in: workspace, precision: precision)
    let chat = trained.chatDescription
    let answerer = try Answerer(
      trained, template: ChatTemplate.chosen(template.template, of: chat, place: trained.path),
      context: ChatTemplate.Context(specialTokens: chat.specialTokens, date: date),
      sampling: drawing.options(temperature: drawing.isGiven ? 1 : 0), maxTokens: maxTokens,
      batch: batch, system: system)
    let prompts = try answerer.prompts(of: questions)
    if let references, let known { try AtomicFile.write(known, to: references) }
    let start = ContinuousClock.now
    var (tokenCount, counts) = (0, [Answerer.Ending: Int]())
    var progress = LiveProgress(isWanted: !quiet, sharesTerminal: true)
    defer { progress.clear() }
    progress.show("answering", done: 0, of: prompts.count, unit: .things("conversations"))
    try answerer.answer(prompts) { answers in
      progress.clear()
      defer {
        let done = counts.values.reduce(0, +)
        progress.show("answering", done: done, of: prompts.count, unit: .things("conversations"))
      }
      for answer in answers {
        tokenCount += answer.tokens
        counts[answer.ending, default: 0] += 1
        if answer.ending == .tooLong {
          say(
            "lockstep: line \(answer.line) fills the model's context of \(answerer.context) tokens: no answer"
          )
        }
        try write(answer)
      }
    }
    progress.clear()
    tell(of: counts)
    let seconds = max((ContinuousClock.now - start) / .seconds(1), 1e-6)
    say(
      "\(prompts.count) answer\(prompts.count == 1 ? "" : "s"), \(tokenCount) tokens in "
        + String(format: "%.1f s, %.1f tokens a second", seconds, Double(tokenCount) / seconds))
  }

  private func write(_ answer: Answerer.Answer) throws {
    if json { return try StandardOutput.printJSON(answer) }
    try StandardOutput.writeText(answer.answer + "\n")
  }

  /// Says how many answers did not come to their end.
  private func tell(of counts: [Answerer.Ending: Int]) {
    for (ending, what) in [
      (Answerer.Ending.limit, "--max-tokens"), (.context, "the end of the model's context"),
    ] {
      guard let count = counts[ending] else { continue }
      say("lockstep: \(count) answer\(count == 1 ? "" : "s") reached \(what)")
    }
  }

  /// The file's own answers, one a line.
  private func referenceLines(of questions: [Question], path: String) throws -> [UInt8] {
    if FileSystem.areSame(path, self.questions) {
      throw ValidationError("--references is the file of the conversations: name another one")
    }
    return try questions.flatMap { question in
      guard let line = question.referenceLine else {
        throw ValidationError(
          "\(question.path): line \(question.line) has no answer, which --references asks for")
      }
      return Array(line.utf8) + [UInt8(ascii: "\n")]
    }
  }

  private func say(_ text: String) {
    guard !quiet else { return }
    StandardError.say(text)
  }
}
