import LockstepDatasets
import LockstepModels
import LockstepSettings
import LockstepTensors

/// A line and its translation.
public struct Translation: Sendable, Encodable {
  /// The line's number, from 1.
  public let line: Int
  public let source: String
  public let translation: String
  /// Tokens that the model wrote, ends included.
  public let tokens: Int
  /// The mean over these of their log-probability, nats; 0 for an empty line.
  public let score: Double
  /// In how many parts the line was translated: more than one where it is longer than the model's
  /// context.
  public let parts: Int
}

/// Translates lines of text.
///
/// A line's translation is a function of the model, the method, the line and, where tokens are drawn at
/// random, its number: not of the lines beside it nor of the number of threads.
public final class Translator {
  private let model: any SequenceToSequenceModel
  private let tokenizer: any Tokenizer
  /// Ends a text, and says "begin" to the decoder.
  private let endOfText: Int32
  private let workspace: Workspace
  private let method: DecodingMethod
  private let batch: Int
  private let maxTokens: Int
  private let special: SpecialTokens

  /// - Parameters:
  ///   - trained: A model that translates.
  ///   - method: How translations are chosen.
  ///   - batch: Texts that are translated at a time; does not change the translations.
  ///   - maxTokens: Most tokens of a translation, its end included; nil: the model's context.
  ///   - special: What names of special tokens in the lines are. Default: these tokens.
  /// - Throws: `LoadingError` for a model of another kind, or one without a tokenizer;
  ///   `TranslatorError` for more tokens than the model's context.
  public init(
    _ trained: TrainedModel, method: DecodingMethod, batch: Int, maxTokens: Int? = nil,
    special: SpecialTokens = .token
  ) throws {
    precondition(batch >= 1, "at least one text is translated at a time, not \(batch)")
    model = try trained.sequenceToSequenceModel()
    tokenizer = try trained.requiredTokenizer()
    endOfText = try trained.requiredEndOfText()
    workspace = trained.workspace
    let context = model.context
    if let maxTokens, maxTokens > context {
      throw TranslatorError.tooManyTokens(maxTokens, context: context)
    }
    self.method = method
    self.batch = batch
    self.maxTokens = maxTokens ?? context
    self.special = special
  }

  /// Translates lines; an empty one, or one of white space, is translated to an empty one.
  ///
  /// - Parameters:
  ///   - lines: UTF-8 without line ends; what is not UTF-8 becomes U+FFFD.
  ///   - first: The first one's number. Default: 1.
  ///   - progress: Told which share of the lines is done, now and then.
  /// - Returns: A translation of each line, in their order.
  /// - Throws: `TranslatorError` if the vocabulary cannot express a line; `NotFiniteLogitsError`.
  public func translate(
    _ lines: [[UInt8]], first: Int = 1, progress: (Double) -> Void = { _ in }
  ) throws -> [Translation] {
    let texts = lines.map { String(decoding: $0, as: UTF8.self) }
    let sources = try texts.enumerated().map { index, text in
      do {
        // A place is left for the end.
        return try SourceText(
          text.utf8, tokenizer: tokenizer, limit: model.context - 1, special: special)
      } catch let error as TokenizerError {
        throw TranslatorError.notExpressible(line: first + index, error)
      }
    }
    let parts = sources.enumerated().flatMap { index, source in
      source.parts.enumerated().map { Part(line: index, place: $0, tokens: $1) }
    }
    var found = sources.map { [Hypothesis?](repeating: nil, count: $0.parts.count) }
    // Texts of about the same length together: little is computed for nothing.
    let order = parts.sorted {
      ($0.tokens.count, $0.line, $0.place) < ($1.tokens.count, $1.line, $1.place)
    }
    for start in stride(from: 0, to: order.count, by: batch) {
      progress(Double(start) / Double(order.count))
      let chosen = order[start..<min(order.count, start + batch)]
      for (part, hypothesis) in zip(chosen, try decode(chosen, first: first)) {
        found[part.line][part.place] = hypothesis
      }
    }
    return texts.indices.map { index in
      translation(
        of: texts[index], line: first + index, from: found[index].compactMap { $0 })
    }
  }

  /// A text that is translated as a whole.
  private struct Part {
    let line: Int
    let place: Int
    let tokens: [Int32]
  }

  private func decode(_ parts: ArraySlice<Part>, first: Int) throws -> [Hypothesis] {
    try workspace.withoutRecording {
      let continuation = TargetContinuation(
        of: parts.map { $0.tokens + [endOfText] }, begin: endOfText,
        by: model, limit: maxTokens)
      do {
        return try method.run(
          continuation, texts: parts.map { first + $0.line + $0.place << 24 },
          end: endOfText, maxTokens: maxTokens,
          vocabularyCount: tokenizer.vocabularyCount, in: workspace)
      } catch var error as NotFiniteLogitsError {
        error.line = first + parts[parts.startIndex + error.text].line
        throw error
      }
    }
  }

  private func translation(
    of source: String, line: Int, from found: [Hypothesis]
  ) -> Translation {
    let tokens = found.reduce(0) { $0 + $1.length }
    return Translation(
      line: line, source: source,
      translation: found.map { tokenizer.line(of: $0.tokens) }.joined(separator: " "),
      tokens: tokens,
      score: found.reduce(0) { $0 + $1.logProbability } / Double(max(1, tokens)),
      parts: found.count)
  }
}

extension Tokenizer {
  /// The text that tokens stand for, on one line.
  func line(of tokens: [Int32]) -> String {
    String(decode(tokens).map { $0.isNewline ? " " : $0 })
  }
}

/// Why lines can not be translated.
public enum TranslatorError: UserInputError, Equatable {
  case tooManyTokens(Int, context: Int)
  case notExpressible(line: Int, TokenizerError)

  public var description: String {
    switch self {
    case .tooManyTokens(let count, let context):
      "--max-tokens \(count): expected 1 to \(context), the model's context"
    case .notExpressible(let line, let error): "line \(line): \(error)"
    }
  }
}
