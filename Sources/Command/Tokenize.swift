import ArgumentParser
import Foundation
import LockstepDatasets
import LockstepFiles
import LockstepSettings
import LockstepTraining

/// `lockstep tokenize`: texts to tokens, for eyes and for scripts.
struct Tokenize: ParsableCommand, ReadsEncryptedFiles {
  static let configuration = CommandConfiguration(
    abstract: "Shows the tokens of texts.",
    discussion: """
      Each line of standard input is a text; its tokens follow on one line, as numbers and as the text that \
      each stands for. --input shows what a model gets: the text with what the tokenizer's template puts \
      around it.

      With --json each line is an object with text, and with pair for a second text; each answer is an \
      object with text, tokens, decoded (the text that the tokens stand for), input (the tokens with those \
      of the template) and segments (which text each token of the input belongs to).
      """)

  @Argument(help: "A tokenizer.json, or a run, a checkpoint or a model with one.")
  var source: String

  @Option(help: "The text, in place of standard input's lines.")
  var text: String?

  @Flag(help: "Show the tokens with those of the tokenizer's template.")
  var input = false

  @OptionGroup var reading: TextArguments

  @Flag(help: "Read and print one JSON object a line.")
  var json = false

  @OptionGroup var key: KeyArguments

  func validate() throws {
    guard !json || !input else {
      throw ValidationError("--json shows the input, too: leave out --input")
    }
  }

  func run() throws {
    let tokenizer = try TrainedModel.tokenizer(at: source)
    if let text { return try show(Request(text: text), of: tokenizer) }
    var lines = try LineReader(path: nil)
    var number = 0
    while let read = try lines.next() {
      for line in read {
        number += 1
        do {
          try show(json ? Request(json: line) : Request(text: line), of: tokenizer)
        } catch let error as TokenizerError {
          throw TokenizeError(line: number, reason: "\(error)")
        } catch let failure as JSONReader.Failure {
          throw TokenizeError(line: number, reason: "not JSON: \(failure)")
        } catch is DecodingError {
          throw TokenizeError(
            line: number, reason: "expected a JSON object with text, and with pair or without")
        }
      }
    }
  }

  private func show(_ request: Request, of tokenizer: any Tokenizer) throws {
    let special = reading.specialTokens
    let tokens = try tokenizer.encode(request.text, special: special)
    let whole =
      try request.pair.map { try tokenizer.encodeInput(request.text, $0, special: special) }
      ?? tokenizer.encodeInput(request.text, special: special)
    if json {
      try StandardOutput.printJSON(
        TokenizedText(
          text: request.text, tokens: tokens, decoded: tokenizer.decode(tokens),
          input: whole.tokens, segments: whole.segments))
      return
    }
    let shown = input ? whole.tokens : tokens
    try StandardOutput.print(
      shown.map { "\($0)" }.joined(separator: " ") + "\n"
        + shown.map { "[\(String(decoding: tokenizer.vocabulary.bytes(of: $0), as: UTF8.self))]" }
        .joined(separator: ""))
  }
}

/// A text, and a second one of a pair.
private struct Request: Decodable {
  var text: String
  var pair: String?

  init(text: String) { self.text = text }

  init(text: [UInt8]) { self.text = String(decoding: text, as: UTF8.self) }

  init(json: [UInt8]) throws {
    self = try JSONFormat.decode(foreign: json)
  }
}

private struct TokenizedText: Encodable {
  let text: String
  let tokens: [Int32]
  let decoded: String
  let input: [Int32]
  let segments: [Int32]
}

/// What is wrong with a line.
private struct TokenizeError: UserInputError {
  let line: Int
  let reason: String

  var description: String { "line \(line): \(reason)" }
}
