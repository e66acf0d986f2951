import Foundation
import LockstepChatTemplates
import Testing

/// What scripts/fixtures/chat_templates.py wrote: what transformers renders.
struct TemplateFixture: Decodable, Sendable, CustomTestStringConvertible {
  struct Message: Decodable, Sendable {
    let role: String
    let content: String
  }

  struct Case: Decodable, Sendable {
    let messages: [Message]
    let prompt: Bool
    /// nil: the template refuses.
    let text: String?
    /// In characters.
    let generated: [[Int]]
  }

  let name: String
  let template: String
  let cases: [Case]

  var testDescription: String { name }

  static var all: [TemplateFixture] {
    get throws {
      let folder = try #require(Bundle.module.resourceURL)
      let data = try Data(contentsOf: folder.appending(path: "Fixtures/templates.json"))
      return try JSONDecoder().decode([TemplateFixture].self, from: data)
    }
  }
}

@Suite struct ChatTemplateFixtureTests {
  private let context = ChatTemplate.Context(
    specialTokens: ["bos_token": "<s>", "eos_token": "</s>"], date: TemplateDate("2026-11-28"))

  @Test(arguments: try TemplateFixture.all)
  func textsAreThoseOfTransformers(_ fixture: TemplateFixture) throws {
    let template = try ChatTemplate(fixture.template, name: fixture.name)
    for example in fixture.cases {
      let messages = example.messages.map { ChatMessage(role: $0.role, content: $0.content) }
      guard let text = example.text else {
        #expect(throws: ChatTemplateError.self) {
          try template.render(messages, addsGenerationPrompt: example.prompt, context: context)
        }
        continue
      }
      let rendering = try template.render(
        messages, addsGenerationPrompt: example.prompt, context: context)
      #expect(rendering.text == text)
      #expect(Array(rendering.text.utf8) == Array(text.utf8))
      let bytes = Array(text.utf8)
      let characters = rendering.generated.map { range in
        [range.lowerBound, range.upperBound].map {
          String(decoding: bytes[..<$0], as: UTF8.self).unicodeScalars.count
        }
      }
      #expect(characters == example.generated)
    }
  }
}
