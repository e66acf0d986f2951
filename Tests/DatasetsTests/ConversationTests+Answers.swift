import LockstepDatasets
import Testing

/// Which tokens of a conversation are learned.
extension ConversationTests {
  private static let twoAnswers = """
    {"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "B"}, \
    {"role": "user", "content": "c"}, {"role": "assistant", "content": "D"}]}
    """

  /// Both answers with the token behind each are learned, or the last one.
  private func requireBothAnswers(of template: String) throws {
    _ = try prepare(Self.twoAnswers, template: template)
    #expect(try learned() == "|B<|endoftext|>D<|endoftext|>")
    _ = try prepare(Self.twoAnswers, template: template, answers: .last, output: "last")
    #expect(try learned("last/train.bin") == "|D<|endoftext|>")
  }

  @Test func answersAreFoundByRenderingWhatComesBeforeThem() throws {
    // No generation blocks; white space and a token behind each answer, another at the end.
    let template = """
      {%- for m in messages %}{{ m.role ~ ': ' ~ m.content ~ '<|endoftext|>\\n' }}{% endfor %}
      {%- if add_generation_prompt %}{{ 'assistant: ' }}{% else %}{{ 'END' }}{% endif %}
      """
    try requireBothAnswers(of: template)
  }

  @Test func aSpecialTokenWithinAnAnswerDoesNotEndIt() throws {
    let lines = """
      {"messages": [{"role": "user", "content": "a"}, \
      {"role": "assistant", "content": " <|endoftext|>print(1) "}, \
      {"role": "user", "content": "c"}, {"role": "assistant", "content": "D<|endoftext|>E\\n"}]}
      """
    func learned(_ template: String, _ name: String) throws -> String {
      _ = try prepare(
        lines, template: "{% for m in messages %}\(template){% endfor %}", output: name)
      return try self.learned("\(name)/train.bin")
    }
    // Marked, with an end behind the marks, with one within them and white space behind it, with none.
    let block =
      "{% if m.role == 'user' %}{{ m.content }}{% else %}{% generation %}{{ m.content | trim }}"
    #expect(
      try learned(block + "{% endgeneration %}<|endoftext|>{% endif %}", "behind")
        == "|<|endoftext|>print(1)D<|endoftext|>E")
    #expect(
      try learned(block + "{{ '<|endoftext|>\\n' }}{% endgeneration %}{% endif %}", "within")
        == "|<|endoftext|>print(1)<|endoftext|>D<|endoftext|>E<|endoftext|>")
    #expect(
      try learned(block + "{{ '.' }}{% endgeneration %}{% endif %}", "none")
        == "|<|endoftext|>print(1).D<|endoftext|>E.")
    // The same without marks.
    let plain = "{{ m.role ~ ':' ~ (m.content | trim) }}"
    let prompt = "{% if loop.last and add_generation_prompt %}{{ 'assistant:' }}{% endif %}"
    #expect(
      try learned(plain + "{{ ';' }}" + prompt, "plain")
        == "|<|endoftext|>print(1);D<|endoftext|>E;")
    #expect(
      try learned(plain + "{{ '<|endoftext|>\\n' }}" + prompt, "ended")
        == "|<|endoftext|>print(1)<|endoftext|>D<|endoftext|>E<|endoftext|>")
  }

  @Test func theLastAnswerIsAllThatIsMarkedOfIt() throws {
    let template = """
      {%- for m in messages %}{% if m.role == 'user' %}{{ m.content }}{% else %}
      {%- generation %}{{ m.content }}{% endgeneration %}{{ '-' }}
      {%- generation %}{{ '<|endoftext|>' }}{% endgeneration %}{% endif %}{% endfor %}
      """
    try requireBothAnswers(of: template)
    // A template that takes no conversation without an answer: of the last answer the last part.
    let strict =
      "{% if messages[-1].role == 'user' %}{{ raise_exception('no answer') }}{% endif %}" + template
    _ = try prepare(Self.twoAnswers, template: strict, answers: .last, output: "strict")
    #expect(try learned("strict/train.bin") == "|<|endoftext|>")
  }

  @Test func aTemplateThatRewritesEarlierTurnsIsRefusedUnlessTheLastAnswerIsLearned() throws {
    let template = """
      {%- for m in messages %}{{ m.role ~ ':' }}{{ m.content if loop.last or m.role == 'user' }}
      {%- endfor %}{% if add_generation_prompt %}{{ 'assistant:' }}{% endif %}
      """
    let lines = """
      {"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "BBB"}, \
      {"role": "user", "content": "c"}, {"role": "assistant", "content": "D"}]}
      """
    let error = #expect(throws: ConversationError.self) { try prepare(lines, template: template) }
    #expect(error?.description.contains("before answer 1, or the answer, otherwise") == true)
    _ = try prepare(lines, template: template, answers: .last)
    #expect(try learned() == "|D")
    let prompting = template.replacing("{{ 'assistant:' }}", with: "{{ 'bot:' }}")
    let other = #expect(throws: ConversationError.self) {
      try prepare(lines, template: prompting, answers: .last, output: "other")
    }
    #expect(other?.description.contains("not what it writes before the last answer") == true)
    #expect(other?.description.contains("--answers last") == false)
  }

  /// The tokenizer of bytes has no <|im_end|>.
  @Test func answersWithoutATokenAtTheirEndAreTold() throws {
    let lines =
      #"{"prompt": "a", "completion": "B"}"# + "\n" + #"{"prompt": "c", "completion": "D"}"#
    let outcome = try prepare(lines, template: "chatml")
    #expect(outcome.notes.count == 1 && outcome.notes[0].hasPrefix("2 answers do not end with"))
    #expect(try prepare(lines, template: "chatml").notes == outcome.notes)
    #expect(try prepare(lines, template: "plain", output: "plain").notes == [])
  }

  @Test func ofOneConversationNothingIsHeldOutWhichIsTold() throws {
    let outcome = try prepare(#"{"prompt": "a", "completion": "B"}"#, fraction: 0.1)
    #expect(outcome.notes.count == 1 && outcome.notes[0].contains("data.validation: null"))
  }
}
