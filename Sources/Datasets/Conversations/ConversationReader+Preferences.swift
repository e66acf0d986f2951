import LockstepChatTemplates
import LockstepFiles

/// Preferences: a prompt with an answer that was chosen and one that was rejected, in the forms that
/// Hugging Face's `trl` has:
///
///     {"prompt": "…", "chosen": "…", "rejected": "…"}
///     {"prompt": [{"role": "user", "content": "…"}], "chosen": [{"role": "assistant", …}], "rejected": […]}
///     {"chosen": [{"role": "user", …}, {"role": "assistant", …}], "rejected": […]}
///
/// Answers that are lists may repeat the prompt. `system` may stand beside a prompt that is text.
extension ConversationReader {
  /// The conversation with the chosen answer, and that with the rejected one. They differ in their last
  /// message alone.
  mutating func preference(_ value: JSONValue) throws(Fault) -> [[ChatMessage]] {
    let keys = (value.members ?? []).map(\.key)
    for key in ["chosen", "rejected"] where !keys.contains(key) {
      let hint =
        keys.contains("completion") || keys.contains("messages")
        ? "; conversations with one answer go with --chat" : ""
      throw Fault(key: key, reason: "is missing\(hint)")
    }
    for key in keys where !["prompt", "chosen", "rejected", "system"].contains(key) { count(key) }
    let prompt = try prompt(value)
    let chosen = try side("chosen", of: value, after: prompt)
    let rejected = try side("rejected", of: value, after: prompt)
    guard chosen.dropLast() == rejected.dropLast() else {
      throw Fault(
        key: "rejected",
        reason: "differs from chosen before the last message, expected the same messages up to that"
      )
    }
    guard chosen.count > 1 else {
      throw Fault(key: "prompt", reason: "is missing, and chosen begins with its answer")
    }
    guard chosen != rejected else {
      throw Fault(key: "rejected", reason: "is the same answer as chosen")
    }
    return [chosen, rejected]
  }

  private mutating func prompt(_ value: JSONValue) throws(Fault) -> [ChatMessage] {
    let system = try system(value)
    if value["prompt"]?.array != nil {
      guard system.isEmpty else {
        throw Fault(key: "system", reason: "stands beside a prompt that is a list of messages")
      }
      return try list(value, "prompt")
    }
    guard let text = try text(value, "prompt", isOptional: true) else { return system }
    return system + [ChatMessage(role: ChatMessage.user, content: text)]
  }

  /// The conversation with one of the answers.
  private mutating func side(
    _ key: String, of value: JSONValue, after prompt: [ChatMessage]
  ) throws(Fault) -> [ChatMessage] {
    var messages: [ChatMessage]
    if value[key]?.array != nil {
      messages = try list(value, key)
      if !messages.starts(with: prompt) { messages = prompt + messages }
    } else {
      let answer = try text(value, key) ?? ""
      messages = prompt + [ChatMessage(role: ChatMessage.assistant, content: answer)]
    }
    try requireAnswer(messages, key: key)
    return messages
  }
}
