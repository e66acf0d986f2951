import LockstepChatTemplates
import LockstepFiles

/// Reads conversations, a JSON object a line, in one of three forms:
///
///     {"messages": [{"role": "user", "content": "…"}, {"role": "assistant", "content": "…"}]}
///     {"prompt": "…", "completion": "…"}
///     {"instruction": "…", "input": "…", "output": "…"}
///
/// `prompt` and `completion` may also be lists of messages, `input` may be empty or missing, and
/// `system` may stand beside the last two forms. Lines of nothing but white space are passed over.
/// Other keys are counted. Of preferences (`Form`) a line is two conversations; see
/// `preference(_:)`.
struct ConversationReader {
  /// What a line is.
  enum Form {
    /// A conversation that ends with an answer, from which a model learns.
    case conversation
    /// A prompt with two answers: two conversations, that with the chosen answer first.
    case preference
    /// A conversation that waits for an answer; one that has it already may say so.
    case question

    /// How many conversations a line is.
    var conversationCount: Int { self == .preference ? 2 : 1 }
  }

  private(set) var conversations: [Conversation] = []
  /// What is wrong with lines.
  var violations = ConversationViolations()
  /// How many lines have each key that says nothing to us, in the order in which they came.
  private(set) var otherKeys: [(key: String, count: Int)] = []
  let form: Form
  private var path = ""
  private var line = 0

  /// - Parameter form: What a line is.
  init(_ form: Form) {
    self.form = form
  }

  /// Adds the conversations of a file.
  mutating func read(_ bytes: UnsafeRawBufferPointer, path: String) {
    self.path = path
    line = 0
    var start = 0
    while start < bytes.count {
      let end = bytes[start...].firstIndex(of: UInt8(ascii: "\n")) ?? bytes.count
      line += 1
      let content = bytes[start..<end]
      start = end + 1
      if content.allSatisfy({ $0 == 0x20 || $0 == 0x09 || $0 == 0x0D }) { continue }
      do throws(Fault) {
        let members = try members(Array(content))
        for messages in try form == .preference ? preference(members) : [messages(members)] {
          conversations.append(Conversation(messages: messages, path: path, line: line))
        }
      } catch {
        violations.add(error.reason, path: path, line: line, key: error.key)
      }
    }
  }

  /// What a user should know of keys that say nothing to us, one sentence each.
  static func notes(of otherKeys: [String: Int]) -> [String] {
    otherKeys.sorted { $0.key < $1.key }.map {
      "left out the key \($0.key), which \($0.value) line\($0.value == 1 ? " has" : "s have")"
    }
  }

  /// What is wrong with the line that is read.
  struct Fault: Error {
    var key = ""
    var reason: String
  }

  /// The object that a line is.
  private func members(_ text: [UInt8]) throws(Fault) -> JSONValue {
    let value: JSONValue
    do throws(JSONReader.Failure) {
      value = try JSONReader.value(of: text)
    } catch {
      throw Fault(reason: "not JSON: \(error.reason) at byte \(error.offset)")
    }
    guard value.members != nil else {
      let hint = text.first == UInt8(ascii: "[") ? "; jq -c '.[]' FILE makes lines of a list" : ""
      throw Fault(reason: "\(value.summary), expected an object\(hint)")
    }
    return value
  }

  private mutating func messages(_ value: JSONValue) throws(Fault) -> [ChatMessage] {
    let keys = (value.members ?? []).map(\.key)
    if form == .conversation && keys.contains("chosen") && keys.contains("rejected")
      && !keys.contains("completion")
    {
      throw Fault(
        key: "chosen", reason: "answers that were chosen and rejected go with --preferences")
    }
    let forms: [(name: String, keys: [String], optional: [String])] = [
      ("messages", ["messages"], []), ("prompt", ["prompt", "completion"], ["system"]),
      ("instruction", ["instruction", "output"], ["input", "system"]),
    ]
    let found = forms.filter { keys.contains($0.name) }
    guard found.count == 1, let kind = found.first else {
      throw Fault(
        reason: found.isEmpty
          ? "none of the keys messages, prompt and instruction, one of which begins a conversation"
          : "both \(found[0].name) and \(found[1].name), expected one of them")
    }
    for key in kind.keys where !keys.contains(key) {
      if form == .question && key != kind.name { continue }
      throw Fault(key: key, reason: "is missing")
    }
    for key in keys where !kind.keys.contains(key) && !kind.optional.contains(key) {
      count(key)
    }
    let messages = try messages(of: value, form: kind.name)
    if form == .question {
      try requireQuestion(messages, kind.name)
    } else {
      try requireAnswer(
        messages,
        key: kind.name == "messages"
          ? kind.name : kind.name == "prompt" ? "completion" : "output")
    }
    return messages
  }

  private mutating func messages(
    of value: JSONValue, form: String
  ) throws(Fault) -> [ChatMessage] {
    if form == "messages" { return try list(value, "messages") }
    var messages = try system(value)
    if form == "prompt" {
      for (key, role) in [("prompt", ChatMessage.user), ("completion", ChatMessage.assistant)] {
        if value[key]?.array != nil {
          messages += try list(value, key)
        } else if let content = try text(value, key, isOptional: mayLack(key)) {
          messages.append(ChatMessage(role: role, content: content))
        }
      }
      return messages
    }
    let instruction = try text(value, "instruction") ?? ""
    let input = try text(value, "input", isOptional: true) ?? ""
    messages.append(
      ChatMessage(
        role: ChatMessage.user, content: input.isEmpty ? instruction : instruction + "\n\n" + input)
    )
    if let output = try text(value, "output", isOptional: mayLack("output")) {
      messages.append(ChatMessage(role: ChatMessage.assistant, content: output))
    }
    return messages
  }

  /// The message that `system` stands for; none where there is none.
  func system(_ value: JSONValue) throws(Fault) -> [ChatMessage] {
    guard let system = try text(value, "system", isOptional: true), !system.isEmpty else {
      return []
    }
    return [ChatMessage(role: ChatMessage.system, content: system)]
  }

  /// Whether there may be no such key.
  private func mayLack(_ key: String) -> Bool {
    form == .question && (key == "completion" || key == "output")
  }

  mutating func list(_ value: JSONValue, _ key: String) throws(Fault) -> [ChatMessage] {
    guard let elements = value[key]?.array else {
      throw Fault(
        key: key, reason: "is \(value[key]?.summary ?? "missing"), expected a list of messages")
    }
    var messages: [ChatMessage] = []
    for (index, element) in elements.enumerated() {
      let place = "\(key)[\(index)]"
      guard let members = element.members else {
        throw Fault(key: place, reason: "is \(element.summary), expected an object")
      }
      let role = try text(element, "role", in: place) ?? ""
      guard !role.isEmpty else { throw Fault(key: place + ".role", reason: "is empty") }
      let content = try text(element, "content", in: place) ?? ""
      for (other, _) in members where other != "role" && other != "content" {
        count("\(key)[].\(other)")
      }
      messages.append(ChatMessage(role: role, content: content))
    }
    return messages
  }

  func text(
    _ value: JSONValue, _ key: String, in place: String? = nil, isOptional: Bool = false
  ) throws(Fault) -> String? {
    let name = place.map { "\($0).\(key)" } ?? key
    guard let found = value[key] else {
      if isOptional { return nil }
      throw Fault(key: name, reason: "is missing")
    }
    if isOptional && found.isNull { return nil }
    guard let text = found.string else {
      throw Fault(key: name, reason: "is \(found.summary), expected text")
    }
    return text
  }

  func requireAnswer(_ messages: [ChatMessage], key: String) throws(Fault) {
    guard let last = messages.last else { throw Fault(key: key, reason: "is empty") }
    guard last.role == ChatMessage.assistant else {
      throw Fault(
        key: key,
        reason: "no answer: ends with a message of '\(last.role)', expected one of 'assistant'")
    }
    guard last.saysSomething else {
      throw Fault(key: key, reason: "no answer: the last one is empty")
    }
  }

  private func requireQuestion(_ messages: [ChatMessage], _ form: String) throws(Fault) {
    guard messages.contains(where: { $0.role != ChatMessage.system }) else {
      throw Fault(key: form, reason: "is empty")
    }
    let hasAnswer = messages.last?.role == ChatMessage.assistant
    let question = hasAnswer ? messages.dropLast() : messages[...]
    guard question.contains(where: { $0.role != ChatMessage.system }) else {
      throw Fault(key: form, reason: "no question: there is nothing before the answer")
    }
  }

  mutating func count(_ key: String) {
    if let place = otherKeys.firstIndex(where: { $0.key == key }) {
      otherKeys[place].count += 1
    } else {
      otherKeys.append((key, 1))
    }
  }
}
