import ArgumentParser
import Foundation
import LockstepChatTemplates
import LockstepCommunication
import LockstepDatasets
import LockstepModels
import LockstepSettings
import LockstepTensors
import LockstepTraining

struct Chat: ParsableCommand, ReadsEncryptedFiles {
  static let configuration = CommandConfiguration(
    abstract: "Talks with a trained language model.",
    discussion: """
      In a terminal, a line is a message, and the answer appears as it is written. Ctrl-C stops an \
      answer; a second one, Ctrl-D or /quit ends the conversation. /help tells of the other commands. \
      Through a pipe, each line is a message that is answered, with --json by a JSON object a line. \
      Empty lines are passed over, and /reset, /system TEXT, /help and /quit are commands there as well; any \
      other line that begins with / is a message, and //reset says /reset.

      How messages become the text that the model reads, its chat template says, or --template. A \
      conversation that outgrows the model's context goes on without its oldest messages, which is said.
      """)

  @Argument(help: .model)
  var source: String

  @Option(help: "What the model is told before all else.")
  var system: String?

  @OptionGroup var template: TemplateArguments

  @Option(help: "Most tokens of an answer.")
  var maxTokens = 512

  @OptionGroup var drawing: SamplingArguments

  @Flag(help: "Print a JSON object for each answer: message, answer, tokens, ending, forgotten.")
  var json = false

  @OptionGroup var precision: PrecisionArgument

  /// Where no temperature is given.
  private static let defaultTemperature = 0.8

  @OptionGroup var key: KeyArguments

  func validate() throws {
    try Requirement.atLeast(1).check(maxTokens, of: "--max-tokens")
  }

  func run() throws {
    try LaunchEnvironment.requireOneProcess(for: "chat")
    let date = try template.givenDate() ?? .now
    let workspace = Workspace(threadCount: ProcessorMask.current.usableCount)
    let trained = try TrainedModel.opened(source, in: workspace, precision: precision)
    let chat = trained.chatDescription
    let session = try ChatSession(
      trained, template: ChatTemplate.chosen(template.template, of: chat, place: trained.path),
      context: ChatTemplate.Context(specialTokens: chat.specialTokens, date: date),
      sampling: drawing.options(temperature: Self.defaultTemperature), maxTokens: maxTokens,
      system: system)
    let isTerminal = isatty(STDIN_FILENO) == 1 && !json
    var conversation = ChatConversation(
      session: session, asJSON: json,
      interruption: isTerminal ? ChatInterruption() : nil)
    if isTerminal {
      StandardError.say("\(trained.summary); /help tells of commands, Ctrl-D ends")
    }
    try conversation.run()
  }
}

/// How a chat template is chosen: the options that `chat` and `prepare --chat` share.
struct TemplateArguments: ParsableArguments {
  @Option(
    help: """
      The chat template: a file, or one of \(ChatTemplate.builtInNames.joined(separator: ", ")). \
      Default: the model's.
      """)
  var template: String?

  @Option(help: "What a template that writes today's date takes for it, such as 2026-11-28.")
  var date: String?

  /// - Throws: `ConversationError.invalidDate`.
  func givenDate() throws(ConversationError) -> TemplateDate? {
    guard let date else { return nil }
    guard let day = TemplateDate(date) else { throw .invalidDate(date) }
    return day
  }
}
