import LockstepChatTemplates
import LockstepDatasets

/// What a model reads of a conversation before it answers, and how it ends an answer.
struct ConversationReading {
  let tokenizer: any Tokenizer
  /// Each of these tokens ends an answer.
  let endings: Set<Int32>
  private let template: ChatTemplate
  private let context: ChatTemplate.Context

  /// - Parameters:
  ///   - trained: A model with a tokenizer.
  ///   - template: Makes texts of conversations.
  ///   - context: What the template is given.
  /// - Throws: `LoadingError` where there is no tokenizer; `ChatTemplateError`.
  init(
    _ trained: TrainedModel, template: ChatTemplate, context: ChatTemplate.Context
  ) throws {
    let tokenizer = try trained.requiredTokenizer()
    (self.tokenizer, self.template, self.context) = (tokenizer, template, context)
    let names =
      try [template.ending(context: context), context.specialTokens["eos_token"]].compactMap(\.self)
      + trained.endOfTextNames
    endings = Set(
      names.compactMap(tokenizer.vocabulary.id(ofSpecial:))
        + [tokenizer.endOfText].compactMap(\.self))
  }

  /// - Parameters:
  ///   - messages: The last one waits for an answer.
  ///   - system: What the model is told before all else, unless the messages say it; nil: nothing.
  /// - Throws: `ChatTemplateError`, `TokenizerError`, `ChatError.nothingToRead`.
  func tokens(of messages: [ChatMessage], system: String?) throws -> [Int32] {
    let isTold = messages.first?.role == ChatMessage.system
    let told =
      isTold ? [] : system.map { [ChatMessage(role: ChatMessage.system, content: $0)] } ?? []
    let text = try template.render(
      told + messages, addsGenerationPrompt: true, context: context
    ).text
    let tokens = try tokenizer.encode(text)
    guard !tokens.isEmpty else { throw ChatError.nothingToRead(template: template.name) }
    return tokens
  }
}
