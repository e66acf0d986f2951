import LockstepChatTemplates

/// Makes tokens of conversations, and tells which of them are learned: those of the answers, with the
/// token that ends each.
///
/// An answer begins where the conversation before it, with the template's prompt for an answer, ends,
/// and reaches to the end of the conversation up to it; where the template has `{% generation %}`, it
/// is what stands there. A token is learned if the text before the answer does not give it.
public struct ConversationEncoder {
  /// Which answers are learned.
  public enum Answers: String, Sendable, Codable, CaseIterable {
    case all
    /// The last one: for templates that write earlier answers otherwise, as without their thoughts.
    case last
  }

  /// The tokens of a conversation.
  public struct Encoded: Sendable, Equatable {
    public var tokens: [Int32]
    /// Whether each token is learned.
    public var isLearned: [Bool]
    /// Answers whose first token begins before them, as a space that belongs to the prompt.
    public var joinedCount: Int
  }

  public let template: ChatTemplate
  public let context: ChatTemplate.Context
  public let tokenizer: any Tokenizer
  public let answers: Answers

  /// - Parameter answers: Default: all.
  public init(
    template: ChatTemplate, context: ChatTemplate.Context, tokenizer: any Tokenizer,
    answers: Answers = .all
  ) {
    (self.template, self.context, self.tokenizer) = (template, context, tokenizer)
    self.answers = answers
  }

  /// Why a conversation can not be learned from.
  public struct Failure: Error, CustomStringConvertible {
    public let description: String
  }

  /// - Throws: `ChatTemplateError`, `TokenizerError`, `Failure`.
  public func encode(_ conversation: Conversation) throws -> Encoded {
    let rendering = try template.render(
      conversation.messages, addsGenerationPrompt: false, context: context)
    var ranges = try self.ranges(of: conversation, in: rendering)
    if answers == .last { ranges = Array(ranges.suffix(1)) }
    guard !ranges.isEmpty else { throw Failure(description: "the template writes no answer") }
    let text = Array(rendering.text.utf8)
    let tokens = try tokenizer.encode(text)
    var isLearned = [Bool](repeating: false, count: tokens.count)
    var joinedCount = 0
    for range in ranges {
      let begin = try commonCount(text[..<range.lowerBound], tokens)
      let end =
        try range.upperBound == text.count
        ? (count: tokens.count, rest: 0) : commonCount(text[..<range.upperBound], tokens)
      guard begin.rest <= Self.longestJoint, end.rest <= Self.longestJoint else {
        throw Failure(
          description: "the tokens before an answer are others than without the answer")
      }
      if begin.rest > 0 { joinedCount += 1 }
      guard begin.count < end.count else { throw Failure(description: "an answer without a token") }
      for place in begin.count..<lastLearned(of: tokens, begin.count..<end.count) {
        isLearned[place] = true
      }
    }
    return Encoded(tokens: tokens, isLearned: isLearned, joinedCount: joinedCount)
  }

  /// Tokens at the end of a text that may differ when the text goes on.
  private static let longestJoint = 8

  /// How many tokens a beginning of the text has in common with the whole one, and how many it has
  /// beyond these.
  private func commonCount(
    _ beginning: ArraySlice<UInt8>, _ tokens: [Int32]
  ) throws -> (count: Int, rest: Int) {
    let alone = try tokenizer.encode(Array(beginning))
    let count = zip(alone, tokens).prefix { $0 == $1 }.count
    return (count, alone.count - count)
  }

  /// The end of what is learned: the last special token, where only text without one follows it. What
  /// stands behind an answer's end, as a line feed, is never written by a model.
  private func lastLearned(of tokens: [Int32], _ range: Range<Int>) -> Int {
    let end = range.last { tokenizer.vocabulary.isSpecial(tokens[$0]) }
    return end.map { $0 + 1 } ?? range.upperBound
  }

  /// Where the answers are in the text, in bytes.
  private func ranges(
    of conversation: Conversation, in rendering: ChatTemplate.Rendering
  ) throws -> [Range<Int>] {
    if template.marksGeneration { return rendering.generated.filter { !$0.isEmpty } }
    let places = conversation.messages.indices.filter {
      conversation.messages[$0].role == ChatMessage.assistant
    }
    return try (answers == .last ? places.suffix(1) : places[...]).map { place in
      let before = try text(conversation.messages[..<place], addsGenerationPrompt: true)
      let upTo = try text(conversation.messages[...place], addsGenerationPrompt: false)
      // Some templates end a conversation with a token that is not there when it goes on.
      let end = zip(upTo.utf8, rendering.text.utf8).prefix { $0 == $1 }.count
      let content = conversation.messages[place].content.utf8
      let least = before.utf8.count + content.filter { $0 > UInt8(ascii: " ") }.count
      guard rendering.text.utf8.starts(with: before.utf8), end >= least else {
        throw Failure(
          description:
            "the template writes what comes before answer \(place + 1), or the answer, otherwise "
            + "when more follows; learn the last answer only with --answers last, or give a template that "
            + "has {% generation %}")
      }
      return before.utf8.count..<end
    }
  }

  private func text(
    _ messages: ArraySlice<ChatMessage>, addsGenerationPrompt: Bool
  ) throws -> String {
    try template.render(
      Array(messages), addsGenerationPrompt: addsGenerationPrompt, context: context
    ).text
  }
}
