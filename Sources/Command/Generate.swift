import ArgumentParser
import LockstepDatasets
import LockstepModels
import LockstepSettings
import LockstepTensors
import LockstepTraining

struct Generate: ParsableCommand, ReadsEncryptedFiles {
  static let configuration = CommandConfiguration(
    abstract: "Continues a text with a trained model, or fills in its hidden tokens.",
    discussion: """
      The same seed, prompt and model give the same text. A temperature of 0 always takes the \
      likeliest token; --beams looks for the likeliest text, which ends at the latest where the \
      model's context does. A masked language model fills in each [MASK] of the prompt, a token each.
      """)

  @Argument(help: .model)
  var source: String

  @Option(help: "The text to continue; for a masked language model, with [MASK] in it.")
  var prompt: String

  @Option(help: "How many tokens to add.")
  var maxTokens = 200

  @OptionGroup var text: TextArguments

  @OptionGroup var decoding: DecodingArguments

  @Flag(help: "Print one JSON object with prompt, text and tokens instead of the text.")
  var json = false

  /// Where neither a temperature nor beams are given.
  private static let defaultTemperature = 0.8

  @OptionGroup var precision: PrecisionArgument

  @OptionGroup var key: KeyArguments

  func validate() throws {
    try Requirement.atLeast(1).check(maxTokens, of: "--max-tokens")
    guard decoding.beamSearch.lengthPenalty == nil || decoding.beamSearch.beams != nil else {
      throw ValidationError("--length-penalty goes with --beams")
    }
  }

  func run() throws {
    let workspace = Workspace(threadCount: ProcessorMask.current.usableCount)
    let trained = try TrainedModel.opened(source, in: workspace, precision: precision)
    if case .maskedLanguage(let model) = trained.model {
      try fillMasks(of: trained, model)
    } else {
      try continueText(of: trained, trained.languageModel())
    }
  }

  private var sampler: TokenSampler {
    TokenSampler(decoding.sampling(temperature: Self.defaultTemperature))
  }

  private func fillMasks(
    of trained: TrainedModel, _ model: any MaskedLanguageModel
  ) throws {
    guard decoding.beamSearch.beams == nil else {
      throw ValidationError("--beams is for models that continue texts")
    }
    let tokenizer = try trained.requiredTokenizer()
    guard let mask = tokenizer.mask, prompt.contains(Vocabulary.maskName) else {
      throw ValidationError(
        "--prompt needs a \(Vocabulary.maskName): the model fills in hidden tokens")
    }
    let template = tokenizer.template
    let words = try tokenizer.encodeMasked(prompt, mask: mask, special: text.specialTokens)
    // What the template adds was there in training, and is no part of what is shown.
    let tokens = template.prefix + words + template.suffix
    guard tokens.count <= model.context else {
      throw ValidationError(
        "--prompt has \(tokens.count) tokens, the model's context is \(model.context)")
    }
    let filler = MaskFiller(
      model: model, workspace: trained.workspace, candidates: tokenizer.vocabulary.textTokens,
      sampler: sampler)
    let filled = Array(
      try filler.fill(tokens, mask: mask).dropFirst(template.prefix.count)
        .dropLast(template.suffix.count))
    let result = tokenizer.decode(filled)
    if json {
      try StandardOutput.printJSON(
        GeneratedText.Report(prompt: prompt, text: result, tokens: filled))
    } else {
      try StandardOutput.writeText(result + "\n")
    }
  }

  private func continueText(of trained: TrainedModel, _ model: any LanguageModel) throws {
    let tokenizer = try trained.requiredTokenizer()
    var tokens = try tokenizer.encodePrompt(prompt, special: text.specialTokens)
    if tokens.isEmpty {
      guard let start = tokenizer.endOfText else { throw ValidationError("--prompt is empty") }
      tokens = [start]
    }
    var output = try GeneratedText(prompt: prompt, tokenizer: tokenizer, isQuiet: json)
    do {
      try write(tokens, of: trained, model, to: &output)
    } catch let error as NotFiniteLogitsError {
      // The message has a line of its own.
      try output.finish()
      throw error
    }
    try output.finish()
    if json { try StandardOutput.printJSON(output.report) }
  }

  /// Continues the tokens of the prompt.
  private func write(
    _ tokens: [Int32], of trained: TrainedModel, _ model: any LanguageModel,
    to output: inout GeneratedText
  ) throws {
    // A beam search needs room for a token at least; without one, texts slide.
    if tokens.count > model.context - (decoding.beamSearch.beams == nil ? 0 : 1) {
      StandardError.say(
        "lockstep: --prompt has \(tokens.count) tokens and the model's context is \(model.context): the model "
          + "reads the last \(max(1, model.context / 2))")
    }
    let (tokenizer, workspace) = (try trained.requiredTokenizer(), trained.workspace)
    let ends = tokenizer.vocabulary.ends(named: trained.endOfTextNames)
    // The text grows with each token.
    workspace.pool.sharesSizes = true
    if decoding.beamSearch.beams != nil {
      let found = try decoding.beamSearch.search().run(
        PromptContinuation(of: tokens, by: model, in: workspace),
        ends: ends, maxTokens: maxTokens,
        vocabularyCount: tokenizer.vocabularyCount, in: workspace)
      for token in found.flatMap(\.tokens) { try output.append(token) }
    } else {
      let generator = TextGenerator(
        model: model, workspace: workspace, prompt: tokens,
        vocabularyCount: tokenizer.vocabularyCount, sampler: sampler)
      for _ in 0..<maxTokens {
        let token = try generator.next()
        if ends.contains(token) { break }
        try output.append(token)
      }
    }
  }
}

/// Text that appears as it is made, and is kept.
private struct GeneratedText {
  private let prompt: String
  private let isQuiet: Bool
  private var decoder: StreamingDecoder
  private var text = ""
  private var tokens: [Int32] = []

  init(prompt: String, tokenizer: any Tokenizer, isQuiet: Bool) throws {
    self.prompt = prompt
    self.isQuiet = isQuiet
    decoder = StreamingDecoder(tokenizer, continues: !prompt.isEmpty)
    try show(prompt)
  }

  mutating func append(_ token: Int32) throws {
    tokens.append(token)
    try add(decoder.append(token))
  }

  mutating func finish() throws {
    try add(decoder.finish())
    try show("\n")
  }

  private mutating func add(_ part: String) throws {
    text += part
    try show(part)
  }

  /// Shows text that is not kept.
  private func show(_ part: String) throws {
    guard !isQuiet else { return }
    try StandardOutput.writeText(part)
  }

  struct Report: Encodable {
    let prompt: String
    let text: String
    let tokens: [Int32]
  }

  var report: Report { Report(prompt: prompt, text: text, tokens: tokens) }
}
