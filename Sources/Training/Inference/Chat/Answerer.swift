import LockstepChatTemplates
import LockstepDatasets
import LockstepModels
import LockstepTensors

/// Answers many conversations, several at a time.
///
/// An answer is a function of the model, the method, the conversation and, where tokens are drawn at
/// random, its line: not of the conversations beside it nor of the number of threads.
public final class Answerer {
  /// How an answer ended.
  public enum Ending: String, Sendable, Encodable {
    /// The model ended it.
    case finished
    /// It reached the most tokens that an answer may have.
    case limit
    /// The model's context is full.
    case context
    /// There is none: the conversation alone fills the model's context.
    case tooLong = "too_long"
  }

  public struct Answer: Sendable, Encodable {
    /// The question's line in the file, from 1.
    public let line: Int
    /// On one line.
    public let answer: String
    /// What someone has answered, on one line; nil: nothing is known.
    public let reference: String?
    /// Tokens that the model wrote, without the one that ended the answer.
    public let tokens: Int
    public let ending: Ending
  }

  /// A question as the model reads it.
  public struct Prompt: Sendable {
    let question: Question
    let tokens: [Int32]
  }

  /// The model's context, T.
  public var context: Int { model.context }

  private let model: any LanguageModel
  private let workspace: Workspace
  private let reading: ConversationReading
  private let decoding: TokenByToken
  private let maxTokens: Int
  private let batch: Int
  private let system: String?

  /// - Parameters:
  ///   - trained: A language model with a tokenizer.
  ///   - template: Makes texts of conversations.
  ///   - context: What the template is given.
  ///   - sampling: How tokens are chosen.
  ///   - maxTokens: Of an answer; at least 1.
  ///   - batch: Conversations that are answered at a time; does not change the answers.
  ///   - system: What the model is told before all else where a conversation does not say it. Default:
  ///     nothing.
  /// - Throws: `LoadingError` where the model is none that talks; `ChatTemplateError`.
  public init(
    _ trained: TrainedModel, template: ChatTemplate, context: ChatTemplate.Context,
    sampling: SamplingOptions, maxTokens: Int, batch: Int, system: String? = nil
  ) throws {
    precondition(maxTokens >= 1 && batch >= 1)
    model = try trained.languageModel()
    reading = try ConversationReading(trained, template: template, context: context)
    workspace = trained.workspace
    decoding = TokenByToken(TokenSampler(sampling))
    (self.maxTokens, self.batch, self.system) = (maxTokens, batch, system)
  }

  /// What the model reads of questions; nothing is computed yet.
  ///
  /// - Throws: `ConversationError.violations` where the template or the tokenizer does not take one;
  ///   `ChatTemplateError` where the template is at fault.
  public func prompts(of questions: [Question]) throws -> [Prompt] {
    var violations = ConversationViolations()
    var prompts: [Prompt] = []
    for question in questions {
      do {
        let tokens = try reading.tokens(of: question.messages, system: system)
        prompts.append(Prompt(question: question, tokens: tokens))
      } catch let error as ChatTemplateError where error.isOfConversation {
        violations.add(error.description, path: question.path, line: question.line)
      } catch let error as TokenizerError {
        violations.add(error.description, path: question.path, line: question.line)
      }
    }
    try violations.requireNone()
    return prompts
  }

  /// Answers questions, in their order.
  ///
  /// - Parameter show: Called with some answers as soon as those before them are there.
  /// - Throws: `NotFiniteLogitsError`; what `show` throws.
  public func answer(_ prompts: [Prompt], show: ([Answer]) throws -> Void) throws {
    // Of so many those of about the same length are read together: little is computed for nothing.
    let window = 8 * batch
    for start in stride(from: 0, to: prompts.count, by: window) {
      try answer(
        together: Array(prompts[start..<min(prompts.count, start + window)]), show: show)
    }
  }

  /// Answers questions that are shown at once; where one can not be answered, those before it.
  private func answer(together some: [Prompt], show: ([Answer]) throws -> Void) throws {
    let found: [Answer]
    do {
      found = try answers(to: some)
    } catch let error as NotFiniteLogitsError {
      let earlier = some.prefix { $0.question.line != error.line }
      if !earlier.isEmpty { try answer(together: Array(earlier), show: show) }
      throw error
    }
    try show(found)
  }

  private func answers(to some: [Prompt]) throws -> [Answer] {
    var found = [Answer?](repeating: nil, count: some.count)
    let order = some.indices.sorted {
      (some[$0].tokens.count, $0) < (some[$1].tokens.count, $1)
    }
    let (fitting, others) = (
      order.filter { some[$0].tokens.count < model.context },
      order.filter { some[$0].tokens.count >= model.context }
    )
    for index in others { found[index] = answer(to: some[index], [], .tooLong) }
    for first in stride(from: 0, to: fitting.count, by: batch) {
      let chosen = fitting[first..<min(fitting.count, first + batch)]
      for (index, written) in zip(chosen, try write(chosen.map { some[$0] })) {
        let ending: Ending =
          written.hasEnded ? .finished : written.tokens.count < maxTokens ? .context : .limit
        found[index] = answer(to: some[index], written.tokens, ending)
      }
    }
    return found.compactMap(\.self)
  }

  private func write(_ prompts: [Prompt]) throws -> [Hypothesis] {
    do {
      return try decoding.run(
        PromptContinuation(
          of: prompts.map(\.tokens), by: model, maxTokens: maxTokens, in: workspace),
        texts: prompts.map(\.question.line), ends: reading.endings, maxTokens: maxTokens,
        vocabularyCount: reading.tokenizer.vocabularyCount, in: workspace)
    } catch var error as NotFiniteLogitsError {
      error.line = prompts[error.text].question.line
      throw error
    }
  }

  private func answer(to prompt: Prompt, _ tokens: [Int32], _ ending: Ending) -> Answer {
    Answer(
      line: prompt.question.line, answer: reading.tokenizer.line(of: tokens),
      reference: prompt.question.reference?.onOneLine, tokens: tokens.count, ending: ending)
  }
}

extension Question {
  /// What someone has answered, on one line; nil: nothing is known.
  public var referenceLine: String? { reference?.onOneLine }
}

extension String {
  fileprivate var onOneLine: String { String(map { $0.isNewline ? " " : $0 }) }
}
