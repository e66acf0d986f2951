import LockstepChatTemplates
import LockstepDatasets
import LockstepModels
import LockstepTensors

/// A conversation with a trained model.
///
/// The keys and values of what was said stay in a cache: of each turn only the new tokens are processed.
/// A conversation that outgrows the model's context goes on without its oldest turns.
public final class ChatSession {
  /// How an answer ended.
  public enum Ending: String, Sendable, Encodable {
    /// The model ended it.
    case finished
    /// Someone stopped it.
    case stopped
    /// It reached the most tokens that an answer may have.
    case limit
    /// The model's context is full.
    case context
  }

  public struct Answer: Sendable {
    public var text: String
    /// Those that the model wrote, without the one that ended the answer.
    public var tokens: [Int32]
    public var ending: Ending
    /// Earlier messages that did not fit the context any more.
    public var forgotten: Int
    /// Tokens of the conversation that were processed for this answer, before its first.
    public var processed: Int
  }

  private let model: any LanguageModel
  private let workspace: Workspace
  private let reading: ConversationReading
  private let sampler: TokenSampler
  private let maxTokens: Int
  private let cache: GenerationCache
  /// Whose keys and values are in the cache.
  private var cached: [Int32] = []
  /// What was said, without what was forgotten.
  public private(set) var messages: [ChatMessage] = []
  /// What the model is told before all else; nil: nothing.
  public var system: String?

  /// - Parameters:
  ///   - trained: A language model with a tokenizer.
  ///   - template: Makes texts of conversations.
  ///   - context: What the template is given.
  ///   - sampling: How tokens are chosen.
  ///   - maxTokens: Of an answer; at least 1.
  ///   - system: What the model is told before all else. Default: nothing.
  /// - Throws: `LoadingError` where the model is none that talks; `ChatTemplateError`.
  public init(
    _ trained: TrainedModel, template: ChatTemplate, context: ChatTemplate.Context,
    sampling: SamplingOptions, maxTokens: Int, system: String? = nil
  ) throws {
    precondition(maxTokens >= 1)
    model = try trained.languageModel()
    reading = try ConversationReading(trained, template: template, context: context)
    workspace = trained.workspace
    // Each message has a length of its own, and the conversation grows.
    workspace.pool.sharesSizes = true
    self.system = system
    sampler = TokenSampler(sampling)
    self.maxTokens = maxTokens
    cache = model.makeCache(sequences: 1, in: workspace)
  }

  /// Forgets all that was said but the system's message.
  public func reset() { messages = [] }

  /// Answers a message.
  ///
  /// - Parameters:
  ///   - text: What the user says.
  ///   - isStopped: Asked before each token.
  ///   - show: Called with the answer's parts as they come.
  /// - Throws: `ChatError` where the message alone is too long for the model, `ChatTemplateError`,
  ///   `TokenizerError`, `NotFiniteLogitsError`; then nothing was said.
  public func answer(
    to text: String, isStopped: () -> Bool = { false }, show: (String) throws -> Void = { _ in }
  ) throws -> Answer {
    let before = messages
    messages.append(ChatMessage(role: ChatMessage.user, content: text))
    do {
      let (prompt, forgotten) = try fittingPrompt()
      var answer = try write(after: prompt, isStopped: isStopped, show: show)
      answer.forgotten = forgotten
      messages.append(ChatMessage(role: ChatMessage.assistant, content: answer.text))
      return answer
    } catch {
      messages = before
      throw error
    }
  }

  // MARK: - What the model reads

  /// The tokens of the conversation, without its oldest turns where it is too long.
  private func fittingPrompt() throws -> (tokens: [Int32], forgotten: Int) {
    var forgotten = 0
    while true {
      let tokens = try reading.tokens(of: messages, system: system)
      // Room for a part of an answer must be left.
      let room = min(maxTokens, max(1, model.context / 4))
      if tokens.count + room <= model.context { return (tokens, forgotten) }
      guard let next = messages.dropFirst().firstIndex(where: { $0.role == ChatMessage.user })
      else {
        guard tokens.count < model.context else {
          throw ChatError.tooLong(tokens: tokens.count, context: model.context)
        }
        return (tokens, forgotten)
      }
      messages.removeFirst(next)
      forgotten += next
    }
  }

  // MARK: - What it writes

  private func write(
    after prompt: [Int32], isStopped: () -> Bool, show: (String) throws -> Void
  ) throws -> Answer {
    try workspace.withoutRecording {
      var tokens = prompt
      var decoder = StreamingDecoder(reading.tokenizer)
      var answer = Answer(text: "", tokens: [], ending: .limit, forgotten: 0, processed: 0)
      func add(_ part: String) throws {
        guard !part.isEmpty else { return }
        answer.text += part
        try show(part)
      }
      while answer.tokens.count < maxTokens {
        if isStopped() {
          answer.ending = .stopped
          break
        }
        guard tokens.count <= model.context else {
          answer.ending = .context
          break
        }
        let (token, processed) = try next(after: tokens)
        if answer.tokens.isEmpty { answer.processed = processed }
        if reading.endings.contains(token) {
          answer.ending = .finished
          break
        }
        tokens.append(token)
        answer.tokens.append(token)
        try add(decoder.append(token))
      }
      try add(decoder.finish())
      return answer
    }
  }

  /// Chooses the token after others; what the cache has of these is not computed again.
  private func next(after tokens: [Int32]) throws -> (token: Int32, processed: Int) {
    let known = zip(cached, tokens.dropLast()).prefix { $0 == $1 }.count
    cache.truncate(to: known)
    let new = Array(tokens[known...])
    cached = tokens
    let states = model.states(of: Indices(new, shape: [1, new.count]), cache: cache)  // [1, t, D]
    let last = states.row(new.count - 1)  // [1, D]
    let logits = last.linear(weight: model.headWeight.tensor)  // [1, V]
    let token = try logits.withElements { logits in
      let choices = UnsafeBufferPointer(rebasing: logits.prefix(reading.tokenizer.vocabularyCount))
      return Int32(try sampler.token(from: choices, at: tokens.count))
    }
    return (token, new.count)
  }
}
