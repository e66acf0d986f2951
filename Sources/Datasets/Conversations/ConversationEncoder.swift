import LockstepChatTemplates

/// Makes tokens of conversations, and tells which of them are learned: those of the answers, with the
/// token that ends each.
///
/// An answer begins where the conversation before it, with the template's prompt for an answer, ends,
/// and reaches to the end of the conversation up to it; where the template has `{% generation %}`, it
/// is what stands there. A token is learned if the text before the answer does not give it, but for what
/// follows the last special token and is nothing that the answer says: white space, or without
/// `{% generation %}` all behind the message's content.
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
    /// Answers whose last token is no special one: a model does not learn from them where an answer ends.
    public var endlessCount: Int
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
    let text = Array(rendering.text.utf8)
    let written = try written(of: conversation, in: rendering, text)
    guard !written.isEmpty else { throw Failure(description: "the template writes no answer") }
    let tokens = try tokenizer.encode(text)
    var isLearned = [Bool](repeating: false, count: tokens.count)
    var (joinedCount, endlessCount) = (0, 0)
    for (range, contentEnd) in written {
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
      let last = try lastLearned(
        of: tokens, begin.count..<end.count, saying: text[..<contentEnd])
      for place in begin.count..<last { isLearned[place] = true }
      if !tokenizer.vocabulary.isSpecial(tokens[last - 1]) { endlessCount += 1 }
    }
    return Encoded(
      tokens: tokens, isLearned: isLearned, joinedCount: joinedCount, endlessCount: endlessCount)
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

  /// The end of what is learned: the last special token, unless it is a part of what the answer says. What
  /// stands behind an answer's end, as a line feed, is never written by a model.
  ///
  /// - Parameter content: The text up to the end of what the answer says.
  private func lastLearned(
    of tokens: [Int32], _ range: Range<Int>, saying content: ArraySlice<UInt8>
  ) throws -> Int {
    let end = range.last { tokenizer.vocabulary.isSpecial(tokens[$0]) }
    guard let end, end + 1 < range.upperBound else { return range.upperBound }
    let said = try commonCount(content, tokens)
    return end + 1 < said.count + min(1, said.rest) ? range.upperBound : end + 1
  }

  /// Where something of an answer is in the text, and where what it says ends, in bytes.
  private typealias Written = (range: Range<Int>, contentEnd: Int)

  private func written(
    of conversation: Conversation, in rendering: ChatTemplate.Rendering, _ text: [UInt8]
  ) throws -> [Written] {
    if template.marksGeneration {
      return blocks(of: conversation, in: rendering).map { ($0, text[$0].stripped.endIndex) }
    }
    let places = conversation.messages.indices.filter {
      conversation.messages[$0].role == ChatMessage.assistant
    }
    return try places.enumerated().suffix(answers == .last ? 1 : places.count).map {
      number, place in
      let before = try self.text(conversation.messages[..<place], addsGenerationPrompt: true)
      let upTo = try self.text(conversation.messages[...place], addsGenerationPrompt: false)
      // Some templates end a conversation with a token that is not there when it goes on.
      let end = zip(upTo.utf8, text).prefix { $0 == $1 }.count
      let content = Array(conversation.messages[place].content.utf8)
      let least = before.utf8.count + content.filter { $0 > UInt8(ascii: " ") }.count
      guard text.starts(with: before.utf8), end >= least else {
        let remedy = "give a template that has {% generation %}"
        throw Failure(
          description: answers == .last
            ? "the template's prompt for an answer is not what it writes before the last answer; "
              + remedy
            : "the template writes what comes before answer \(number + 1), or the answer, otherwise "
              + "when more follows; learn the last answer only with --answers last, or " + remedy)
      }
      let range = before.utf8.count..<end
      let said = text[range].firstRange(of: content[...].stripped)
      return (range, said?.upperBound ?? range.lowerBound)
    }
  }

  /// What stands in the template's `{% generation %}` of the answers that are learned. The last answer has all
  /// that the conversation before it does not have.
  private func blocks(
    of conversation: Conversation, in rendering: ChatTemplate.Rendering
  ) -> ArraySlice<Range<Int>> {
    let all = rendering.generated.filter { !$0.isEmpty }
    let last = conversation.messages.lastIndex { $0.role == ChatMessage.assistant }
    guard answers == .last, all.count > 1, let last else { return all[...] }
    // A template may refuse what ends without an answer: then the last block is taken.
    let before = try? template.render(
      Array(conversation.messages[..<last]), addsGenerationPrompt: false, context: context)
    let count = before.map { $0.generated.count { !$0.isEmpty } } ?? all.count
    return all.dropFirst(min(count, all.count - 1))
  }

  private func text(
    _ messages: ArraySlice<ChatMessage>, addsGenerationPrompt: Bool
  ) throws -> String {
    try template.render(
      Array(messages), addsGenerationPrompt: addsGenerationPrompt, context: context
    ).text
  }
}

extension ArraySlice<UInt8> {
  /// Without white space around it.
  fileprivate var stripped: Self {
    let isSpace = { (byte: UInt8) in byte <= UInt8(ascii: " ") }
    let begin = firstIndex { !isSpace($0) } ?? endIndex
    let end = lastIndex { !isSpace($0) }.map { $0 + 1 } ?? begin
    return self[begin..<end]
  }
}
