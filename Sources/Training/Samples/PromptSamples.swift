import LockstepDatasets
import LockstepModels
import LockstepReporting
import LockstepSettings
import LockstepTensors

/// How a language model goes on with a few texts.
struct PromptSamples: SampleMaker {
  private let model: any LanguageModel
  private let tokenizer: any Tokenizer
  private let ends: Set<Int32>
  private let prompts: [(text: String, tokens: [Int32])]
  private let options: SamplingOptions
  private let maxTokens: Int

  /// - Parameters:
  ///   - tokenizer: Nil: the run has none.
  ///   - ends: Each of them ends a text.
  ///   - seed: Decides what is drawn, the same at every step.
  /// - Throws: `SampleMakerError`.
  init(
    of model: any LanguageModel, tokenizer: (any Tokenizer)?, ends: Set<Int32>,
    _ configuration: SamplesConfiguration, seed: UInt64
  ) throws(SampleMakerError) {
    guard let tokenizer else { throw .noTokenizer }
    self.model = model
    self.tokenizer = tokenizer
    self.ends = ends
    prompts = try configuration.prompts.map { text throws(SampleMakerError) in
      var tokens = try SampleMakerError.encoding(text) {
        try tokenizer.encodePrompt(text, special: .token)
      }
      if tokens.isEmpty {
        guard let start = tokenizer.endOfText else { throw .emptyPrompt }
        tokens = [start]
      }
      return (text, tokens)
    }
    options = SamplingOptions(temperature: configuration.temperature, seed: seed)
    maxTokens = configuration.maxTokens
  }

  func samples(in workspace: Workspace) throws -> [SamplesRecord.Sample] {
    try prompts.map { text, tokens in
      let generator = TextGenerator(
        model: model, workspace: workspace, prompt: tokens,
        vocabularyCount: tokenizer.vocabularyCount, sampler: TokenSampler(options))
      var decoder = StreamingDecoder(tokenizer, continues: !text.isEmpty)
      var written = ""
      for _ in 0..<maxTokens {
        let token = try generator.next()
        if ends.contains(token) { break }
        written += decoder.append(token)
      }
      return .init(kind: .prompt, input: text, text: written + decoder.finish())
    }
  }
}

/// What a model takes for the hidden tokens of a few texts.
struct MaskedSamples: SampleMaker {
  private let model: any MaskedLanguageModel
  private let tokenizer: any Tokenizer
  private let mask: Int32
  private let prompts: [(text: String, tokens: [Int32])]

  /// - Throws: `SampleMakerError`.
  init(
    of model: any MaskedLanguageModel, tokenizer: (any Tokenizer)?,
    _ configuration: SamplesConfiguration
  ) throws(SampleMakerError) {
    guard let tokenizer, let mask = tokenizer.mask else { throw .noTokenizer }
    self.model = model
    self.tokenizer = tokenizer
    self.mask = mask
    let template = tokenizer.template
    prompts = try configuration.prompts.map { text throws(SampleMakerError) in
      guard text.contains(Vocabulary.maskName) else { throw .noMask(text) }
      let words = try SampleMakerError.encoding(text) {
        try tokenizer.encodeMasked(text, mask: mask, special: .token)
      }
      let tokens = template.prefix + words + template.suffix
      guard tokens.count <= model.context else {
        throw .tooLong(text, tokens: tokens.count, context: model.context)
      }
      return (text, tokens)
    }
  }

  func samples(in workspace: Workspace) throws -> [SamplesRecord.Sample] {
    let filler = MaskFiller(
      model: model, workspace: workspace, candidates: tokenizer.vocabulary.textTokens,
      sampler: TokenSampler(SamplingOptions(temperature: 0)))
    let template = tokenizer.template
    return try prompts.map { text, tokens in
      let filled = try filler.fill(tokens, mask: mask)
        .dropFirst(template.prefix.count).dropLast(template.suffix.count)
      return .init(kind: .prompt, input: text, text: tokenizer.decode(Array(filled)))
    }
  }
}

/// Why a run can not show the samples that `samples` asks for.
enum SampleMakerError: UserInputError, Equatable {
  case noTokenizer
  case noHeldOutData
  case emptyPrompt
  case noMask(String)
  case tooLong(String, tokens: Int, context: Int)
  case notExpressible(String, reason: String)

  /// Runs what encodes a prompt.
  fileprivate static func encoding<Result>(
    _ text: String, _ encode: () throws -> Result
  ) throws(SampleMakerError) -> Result {
    do { return try encode() } catch { throw .notExpressible(text, reason: "\(error)") }
  }

  var description: String {
    switch self {
    case .noTokenizer:
      "samples.prompts: the run has no tokenizer; name it as data.tokenizer, or set samples.every: 0"
    case .noHeldOutData:
      "samples.every: the run has no held-out data to show samples of; name some, or set samples.every: 0"
    case .emptyPrompt:
      "samples.prompts: an empty text, but the tokenizer has no token that texts begin with; give some words"
    case .noMask(let text):
      "samples.prompts: '\(text)' has no \(Vocabulary.maskName) that the model could fill in"
    case .tooLong(let text, let tokens, let context):
      "samples.prompts: '\(text)' has \(tokens) tokens, the model's context is \(context); give a shorter one"
    case .notExpressible(let text, let reason):
      "samples.prompts: '\(text)': \(reason)"
    }
  }
}
