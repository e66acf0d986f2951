import ArgumentParser
import Foundation
import LockstepDatasets
import LockstepModels
import LockstepTensors
import LockstepTraining

struct Generate: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Continues a text with a trained model, or fills in its hidden tokens.",
    discussion: """
      The same seed, prompt and model give the same text. A temperature of 0 always takes the \
      likeliest token; --beams looks for the likeliest text, which ends at the latest where the \
      model's context does. A masked language model fills in each [MASK] of the prompt, a token each.
      """)

  @Argument(help: "A run, a checkpoint, or a directory with config.json and model.safetensors.")
  var source: String

  @Option(help: "The text to continue; for a masked language model, with [MASK] in it.")
  var prompt: String

  @Option(help: "How many tokens to add.")
  var maxTokens = 200

  @OptionGroup var decoding: DecodingArguments

  @Flag(help: "Print one JSON object with prompt, text and tokens instead of the text.")
  var json = false

  /// Where neither a temperature nor beams are given.
  private static let defaultTemperature = 0.8

  func validate() throws {
    guard maxTokens >= 1 else { throw ValidationError("--max-tokens is at least 1") }
    guard decoding.beamSearch.lengthPenalty == nil || decoding.beamSearch.beams != nil else {
      throw ValidationError("--length-penalty goes with --beams")
    }
  }

  func run() throws {
    let workspace = Workspace(threadCount: ProcessorMask.current.usableCount)
    if try LoadedMaskedModel.isAt(source) {
      try fillMasks(workspace)
    } else {
      try continueText(workspace)
    }
  }

  private var sampler: TokenSampler {
    TokenSampler(decoding.sampling(temperature: Self.defaultTemperature))
  }

  private func fillMasks(_ workspace: Workspace) throws {
    guard decoding.beamSearch.beams == nil else {
      throw ValidationError("--beams is for models that continue texts")
    }
    let loaded = try LoadedMaskedModel(path: source, in: workspace)
    guard let tokenizer = loaded.tokenizer else {
      throw LoadingError.noTokenizer(path: loaded.path)
    }
    guard let mask = tokenizer.mask, prompt.contains(Vocabulary.maskName) else {
      throw ValidationError(
        "--prompt needs a \(Vocabulary.maskName): the model fills in hidden tokens")
    }
    let tokens = try tokenizer.encodeMasked(prompt, mask: mask)
    guard tokens.count <= loaded.model.context else {
      throw ValidationError(
        "--prompt has \(tokens.count) tokens, the model's context is \(loaded.model.context)")
    }
    let filler = MaskFiller(
      model: loaded.model, workspace: workspace, candidates: tokenizer.vocabulary.textTokens,
      sampler: sampler)
    let filled = filler.fill(tokens, mask: mask)
    let text = tokenizer.decode(filled)
    if json {
      try printJSON(GeneratedText.Report(prompt: prompt, text: text, tokens: filled))
    } else {
      print(text)
    }
  }

  private func continueText(_ workspace: Workspace) throws {
    let loaded = try LoadedModel(path: source, in: workspace)
    guard let tokenizer = loaded.tokenizer else {
      throw LoadingError.noTokenizer(path: loaded.path)
    }
    var tokens = try tokenizer.encode(prompt)
    if tokens.isEmpty {
      guard let start = tokenizer.endOfText else { throw ValidationError("--prompt is empty") }
      tokens = [start]
    }
    var output = GeneratedText(prompt: prompt, tokenizer: tokenizer, isQuiet: json)
    if decoding.beamSearch.beams != nil {
      let found = decoding.beamSearch.search().run(
        PromptContinuation(of: tokens, by: loaded.model, in: workspace),
        end: tokenizer.endOfText, maxTokens: maxTokens,
        vocabularyCount: tokenizer.vocabularyCount, in: workspace)
      for token in found.flatMap(\.tokens) { output.append(token) }
    } else {
      let generator = TextGenerator(
        model: loaded.model, workspace: workspace, prompt: tokens,
        vocabularyCount: tokenizer.vocabularyCount, sampler: sampler)
      for _ in 0..<maxTokens {
        let token = generator.next()
        if token == tokenizer.endOfText { break }
        output.append(token)
      }
    }
    output.finish()
    if json { try printJSON(output.report) }
  }
}

/// Text that appears as it is made, and is kept.
private struct GeneratedText {
  private let prompt: String
  private let isQuiet: Bool
  private var decoder: StreamingDecoder
  private var text = ""
  private var tokens: [Int32] = []

  init(prompt: String, tokenizer: any Tokenizer, isQuiet: Bool) {
    self.prompt = prompt
    self.isQuiet = isQuiet
    decoder = StreamingDecoder(tokenizer)
    show(prompt)
  }

  mutating func append(_ token: Int32) {
    tokens.append(token)
    add(decoder.append(token))
  }

  mutating func finish() {
    add(decoder.finish())
    show("\n")
  }

  private mutating func add(_ part: String) {
    text += part
    show(part)
  }

  /// Shows text that is not kept.
  private func show(_ part: String) {
    guard !isQuiet else { return }
    FileHandle.standardOutput.write(Data(part.utf8))
  }

  struct Report: Encodable {
    let prompt: String
    let text: String
    let tokens: [Int32]
  }

  var report: Report { Report(prompt: prompt, text: text, tokens: tokens) }
}
