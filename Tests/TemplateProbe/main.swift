import Foundation
import LockstepChatTemplates

// Renders conversations for scripts/check_chat_templates.py: a JSON object a line in, one out.

struct Request: Decodable {
  struct Message: Decodable {
    let role: String
    let content: String
  }

  let template: String
  let messages: [Message]
  let addGenerationPrompt: Bool
  let specialTokens: [String: String]
  let date: String?
}

struct Answer: Encodable {
  var text: String?
  var generated: [[Int]]?
  var error: String?
  var kind: String?
}

let decoder = JSONDecoder()
decoder.keyDecodingStrategy = .convertFromSnakeCase
let encoder = JSONEncoder()
encoder.outputFormatting = .withoutEscapingSlashes
while let line = readLine() {
  let request = try decoder.decode(Request.self, from: Data(line.utf8))
  var answer = Answer()
  do throws(ChatTemplateError) {
    let rendering = try ChatTemplate(request.template, name: "template").render(
      request.messages.map { ChatMessage(role: $0.role, content: $0.content) },
      addsGenerationPrompt: request.addGenerationPrompt,
      context: ChatTemplate.Context(
        specialTokens: request.specialTokens, date: request.date.flatMap(TemplateDate.init)))
    answer.text = rendering.text
    answer.generated = rendering.generated.map { [$0.lowerBound, $0.upperBound] }
  } catch {
    answer.error = error.description
    answer.kind = "\(error.kind)"
  }
  // The script waits for each answer: nothing is kept back.
  FileHandle.standardOutput.write(try encoder.encode(answer) + Data("\n".utf8))
}
