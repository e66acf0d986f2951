import ArgumentParser
import Foundation
import LockstepChatTemplates
import LockstepDatasets
import LockstepRedaction
import LockstepReporting
import LockstepTraining

/// `lockstep prepare`: text to token files.
struct Prepare: ParsableCommand, ReadsEncryptedFiles {
  static let configuration = CommandConfiguration(
    abstract: "Makes token files from text.",
    discussion: """
      Writes train.bin, validation.bin, tokenizer.json and dataset.json into the output directory. \
      The last part of the text is held out for validation; the tokenizer is trained on the rest. \
      Documents, that is files, and parts of a file with <|endoftext|> between them, are kept \
      apart by that token. A directory that already holds the same data set is left as it is.

      Of a directory, *.txt files at any depth are read, links followed; hidden files and directories \
      are left out. What is left out is said. docs/data.md has the details.

      With --pairs the inputs are a text and its translation, line for line. Both get one tokenizer, \
      and there are train.source.bin and train.target.bin, and the same of what is held out.

      With --chat the inputs are conversations, a JSON object a line: with messages, with prompt and \
      completion, or with instruction, input and output. --tokenizer is a tokenizer.json, or the directory \
      of a model, whose chat template is taken. There are train.mask.bin and validation.mask.bin too, which \
      say what is learned: the answers. docs/chat.md has the details.

      With --preferences a line has a prompt with an answer that was chosen and one that was rejected, for \
      data.format: preferences. docs/preferences.md has the details.
      """)

  @Argument(
    help: """
      Text files, pipes, directories of *.txt files at any depth, or - for standard input; gzipped or not.
      """)
  var inputs: [String] = []

  @Option(help: "The directory to write to; it is made if need be.")
  var output: String

  @Option(
    help: ArgumentHelp(
      "bpe, bytes, characters, a tokenizer.json, or a directory that has one.",
      valueName: "bpe|bytes|characters|file"))
  var tokenizer = "bpe"

  @Option(
    help: """
      Number of tokens that bpe learns, at least 257 \
      (default: \(DatasetPreparation.defaultVocabularySize)).
      """)
  var vocabularySize: Int?

  @Option(
    help: """
      The fraction of the text that is held out, from its end; 0 for none \
      (default: \(DatasetPreparation.defaultValidationFraction)).
      """)
  var validationFraction: Double?

  @OptionGroup var text: TextArguments

  @Flag(help: "The two inputs are a text and its translation, line for line.")
  var pairs = false

  @Option(
    parsing: .upToNextOption,
    help: """
      With --pairs: a held-out text and its translation; with --chat and --preferences: held-out files. \
      Default: the last ones are held out.
      """)
  var validation: [String] = []

  @Flag(help: "The inputs are conversations, a JSON object a line.")
  var chat = false

  @Flag(help: "The inputs are prompts with a chosen and a rejected answer, a JSON object a line.")
  var preferences = false

  @OptionGroup var template: TemplateArguments

  @Option(
    help: """
      With --chat or --preferences: the model's context, in tokens. A conversation that does not fit into it \
      is too long (see --too-long). Default: no conversation is too long.
      """)
  var context: Int?

  @Option(help: "With --context: what becomes of longer ones: cut, drop or error. Default: error.")
  var tooLong: ConversationPreparation.TooLong?

  @Option(help: "With --chat: which answers are learned: all or last. Default: all.")
  var answers: ConversationEncoder.Answers?

  @Flag(help: "Replace mail addresses, numbers, secrets and names first, as lockstep redact does.")
  var redact = false

  @OptionGroup var redaction: RedactionArguments

  @Flag(help: "With --redact: replace findings by pseudonyms, made by a key.")
  var pseudonyms = false

  @OptionGroup var key: KeyArguments

  @Flag(help: "Replace a data set that the output directory holds.")
  var overwrite = false

  @Flag(help: "Print what was made as JSON, nothing else.")
  var json = false

  @Flag(help: "Print nothing.")
  var quiet = false

  func validate() throws {
    if !redact && (redaction.isGiven || pseudonyms) {
      throw ValidationError(
        "--only, --except, --names, --ignore-case and --pseudonyms go with --redact")
    }
    if pseudonyms && key.source == nil {
      throw ValidationError(
        "--pseudonyms needs a key: give --key-file FILE; 'lockstep key --output FILE' makes one")
    }
    if !validation.isEmpty && !pairs && !chat && !preferences {
      throw ValidationError(
        "--validation goes with --pairs, --chat or --preferences; a text's last part is held out.")
    }
    if !validation.isEmpty && validationFraction != nil {
      throw ValidationError(
        "--validation and --validation-fraction: give one or the other; of held-out files all is held out"
      )
    }
    let kinds = [("--chat", chat), ("--preferences", preferences), ("--pairs", pairs)]
      .filter(\.1).map(\.0)
    if kinds.count > 1 {
      throw ValidationError("\(kinds[0]) and \(kinds[1]): give one or the other")
    }
    let isForConversations =
      context != nil || tooLong != nil || answers != nil || template.template != nil
      || template.date != nil
    if isForConversations && !hasConversations {
      throw ValidationError(
        "--template, --date, --context, --too-long and --answers go with --chat or --preferences")
    }
    if answers != nil && preferences {
      throw ValidationError(
        "--answers goes with --chat; of preferences the chosen and the rejected answers are learned"
      )
    }
    if tooLong != nil && context == nil {
      throw ValidationError("--too-long goes with --context, which says what is too long")
    }
    guard hasConversations else { return }
    if TokenizerKind(rawValue: tokenizer) != nil {
      throw ValidationError(
        "\(kinds[0]) needs --tokenizer: the tokenizer.json of the model that is to learn, or its directory"
      )
    }
    if vocabularySize != nil {
      throw ValidationError("--vocabulary-size: with \(kinds[0]) the tokenizer is the model's")
    }
    if text.specialTokens != .token {
      throw ValidationError(
        "--special-tokens: with \(kinds[0]), names of special tokens are these tokens: the template writes them"
      )
    }
  }

  private var hasConversations: Bool { chat || preferences }
  private var heldOutFraction: Double {
    validationFraction ?? DatasetPreparation.defaultValidationFraction
  }

  func run() throws {
    let redactor =
      try redact ? redaction.redactor(key: pseudonyms ? key.sharedKey() : nil) : nil
    if hasConversations { return try prepareConversations(redactor) }
    let tokenizer = try DatasetPreparation.TokenizerSource(
      named: tokenizer, vocabularySize: vocabularySize)
    if case .file(let path) = tokenizer {
      try TextConventions.requireAgreement(besideTokenizerAt: path)
    }
    var progress = PreparationProgress(isShown: !quiet && !json)
    if pairs {
      let outcome = try PairPreparation(
        inputs: inputs, heldOut: validation, output: output, tokenizer: tokenizer,
        validationFraction: heldOutFraction, specialTokens: text.specialTokens,
        overwrites: overwrite, redactor: redactor
      ).run { progress.show($0) }
      progress.finish()
      sayFound(in: outcome.manifest)
      try show(outcome.summary(directory: output), json: try outcome.manifest.json())
    } else {
      let outcome = try DatasetPreparation(
        inputs: inputs, output: output, tokenizer: tokenizer,
        validationFraction: heldOutFraction, specialTokens: text.specialTokens,
        overwrites: overwrite, redactor: redactor
      ).run { progress.show($0) }
      progress.finish()
      say(outcome.notes)
      sayFound(in: outcome.manifest)
      try show(outcome.summary(directory: output), json: try outcome.manifest.json())
    }
  }

  private func prepareConversations(_ redactor: Redactor?) throws {
    let (tokenizer, chat) = try TrainedModel.chatTokenizer(at: tokenizer)
    var progress = PreparationProgress(isShown: !quiet && !json)
    let outcome = try ConversationPreparation(
      inputs: inputs, heldOut: validation, output: output, tokenizer: tokenizer,
      at: self.tokenizer,
      template: ChatTemplate.chosen(template.template, of: chat, place: self.tokenizer),
      variables: ChatTemplate.Context(
        specialTokens: chat.specialTokens, date: template.givenDate()),
      arePreferences: preferences, answers: answers ?? .all, context: context,
      tooLong: tooLong ?? .error,
      validationFraction: heldOutFraction, overwrites: overwrite, redactor: redactor
    ).run { progress.show($0) }
    progress.finish()
    say(outcome.notes)
    sayFound(in: outcome.manifest)
    try show(outcome.summary(directory: output), json: try outcome.manifest.json())
  }

  /// Tells on standard error how much was replaced.
  private func sayFound(in manifest: some PreparedManifest) {
    guard redact else { return }
    var counts: [String: Int] = [:]
    for input in manifest.inputs { counts.merge(input.redacted ?? [:], uniquingKeysWith: +) }
    let found = counts.sorted { $0.key < $1.key }.map { "\($0.value) \($0.key)" }
    say(["replaced \(found.isEmpty ? "nothing" : found.joined(separator: ", "))"])
  }

  /// Tells on standard error what was left out.
  private func say(_ notes: [String]) {
    guard !quiet else { return }
    for note in notes { StandardError.say("lockstep: \(note)") }
  }

  private func show(_ summary: String, json manifest: [UInt8]) throws {
    if json {
      try StandardOutput.write(String(decoding: manifest, as: UTF8.self))
    } else if !quiet {
      try StandardOutput.print(summary)
    }
  }
}

/// How far `prepare` has come, on standard error: one live line, or a line for each phase where
/// there is no terminal.
private struct PreparationProgress {
  private let isShown: Bool
  private let output = DescriptorOutput(descriptor: STDERR_FILENO)
  private let isLive = isatty(STDERR_FILENO) == 1
  private var live: LiveProgress
  private var phase = ""

  init(isShown: Bool) {
    self.isShown = isShown
    live = LiveProgress(isWanted: isShown)
  }

  mutating func show(_ progress: DatasetPreparation.Progress) {
    guard isShown else { return }
    let (newPhase, done, total, unit): (String, Int, Int, ProgressText.Unit) =
      switch progress {
      case .counting(let done, let total): ("counting words", done, total, .bytes)
      case .merging(let done, let total): ("learning merges", done, total, .things("merges"))
      case .encoding(let done, let total): ("encoding", done, total, .bytes)
      }
    if isLive {
      live.show(newPhase, done: done, of: total, unit: unit)
    } else if newPhase != phase {
      output.write(newPhase + "\n")
    }
    phase = newPhase
  }

  mutating func finish() { live.clear() }
}

extension ConversationPreparation.TooLong: ExpressibleByArgument {}
extension ConversationEncoder.Answers: ExpressibleByArgument {}
