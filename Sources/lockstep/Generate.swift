import ArgumentParser
import Datasets
import Foundation
import Models
import Tensors
import Training

struct Generate: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Continues a text with a trained model, or fills in its hidden tokens.",
    discussion: """
      The same seed, prompt and model give the same text. A temperature of 0 always takes the \
      likeliest token. A masked language model fills in each [MASK] of the prompt, a token each.
      """)

  @Argument(help: "A run, a checkpoint, or a directory with config.json and model.safetensors.")
  var source: String

  @Option(help: "The text to continue; for a masked language model, with [MASK] in it.")
  var prompt: String

  @Option(help: "How many tokens to add.")
  var maxTokens = 200

  @Option(help: "Divides the logits; 0 is greedy.")
  var temperature = 0.8

  @Option(name: .customLong("top-k"), help: "Choose among this many of the likeliest tokens.")
  var topK: Int?

  @Option(
    name: .customLong("top-p"),
    help: "Choose among the likeliest tokens that together have this probability.")
  var topP: Double?

  @Option(help: "Decides all choices.")
  var seed: UInt64 = 0

  @Flag(help: "Print one JSON object with prompt, text and tokens instead of the text.")
  var json = false

  func validate() throws {
    guard maxTokens >= 1 else { throw ValidationError("--max-tokens is at least 1") }
    guard temperature >= 0, temperature.isFinite else {
      throw ValidationError("--temperature is at least 0")
    }
    guard topK.map({ $0 >= 1 }) ?? true else { throw ValidationError("--top-k is at least 1") }
    guard topP.map({ 0 < $0 && $0 <= 1 }) ?? true else {
      throw ValidationError("--top-p is above 0 and at most 1")
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
    TokenSampler(SamplingOptions(temperature: temperature, topK: topK, topP: topP, seed: seed))
  }

  private func fillMasks(_ workspace: Workspace) throws {
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
      try show(Report(prompt: prompt, text: text, tokens: filled))
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
    let generator = TextGenerator(
      model: loaded.model, workspace: workspace, prompt: tokens,
      vocabularyCount: tokenizer.vocabularyCount, sampler: sampler)
    var decoder = StreamingDecoder(tokenizer)
    var output = TextOutput(isQuiet: json)
    output.show(prompt)
    var generated: [Int32] = []
    for _ in 0..<maxTokens {
      let token = generator.next()
      if token == tokenizer.endOfText { break }
      generated.append(token)
      output.append(decoder.append(token))
    }
    output.append(decoder.finish())
    output.show("\n")
    if json { try show(Report(prompt: prompt, text: output.text, tokens: generated)) }
  }

  private func show(_ report: Report) throws {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    print(String(decoding: try encoder.encode(report), as: UTF8.self))
  }

  private struct Report: Encodable {
    let prompt: String
    let text: String
    let tokens: [Int32]
  }
}

/// Text that appears as it is made, and is kept.
private struct TextOutput {
  let isQuiet: Bool
  /// What was made.
  private(set) var text = ""

  init(isQuiet: Bool) { self.isQuiet = isQuiet }

  mutating func append(_ part: String) {
    text += part
    show(part)
  }

  /// Shows text that is not kept.
  func show(_ part: String) {
    guard !isQuiet else { return }
    FileHandle.standardOutput.write(Data(part.utf8))
  }
}
