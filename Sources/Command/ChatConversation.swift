import Foundation
import LockstepChatTemplates
import LockstepDatasets
import LockstepTraining

/// Reads messages and writes answers, in a terminal or through a pipe.
struct ChatConversation {
  let session: ChatSession
  let asJSON: Bool
  /// nil: not in a terminal.
  let interruption: ChatInterruption?

  private static let help = """
    /system TEXT  tells the model this before all else, and begins anew; without TEXT, nothing
    /reset        begins anew
    /quit         ends
    //text        says /text
    """

  mutating func run() throws {
    let listener = interruption?.listen()
    defer { withExtendedLifetime(listener) {} }
    var lines = try LineReader(path: nil)
    while true {
      if interruption != nil { try StandardOutput.write("> ") }
      guard let read = try lines.next() else { break }
      for line in read where try !take(line) { return }
    }
    if interruption != nil { try StandardOutput.write("\n") }
  }

  /// - Returns: Whether the conversation goes on.
  private func take(_ bytes: [UInt8]) throws -> Bool {
    if String(validating: bytes, as: UTF8.self) == nil {
      StandardError.say("lockstep: a message is not UTF-8: U+FFFD replaces what is not")
    }
    let line = String(decoding: bytes, as: UTF8.self)
      .trimmingCharacters(in: .whitespacesAndNewlines)
    switch line {
    case "": break
    case "/quit": return false
    case "/help": StandardError.say(Self.help)
    case "/reset": session.reset()
    case _ where line == "/system" || line.hasPrefix("/system "):
      let text = line.dropFirst("/system".count).trimmingCharacters(in: .whitespaces)
      session.system = text.isEmpty ? nil : text
      session.reset()
    case _ where line.hasPrefix("//"): try answer(String(line.dropFirst()))
    case _ where line.hasPrefix("/") && interruption != nil:
      // A slip of whoever types; whoever writes a file means a message.
      StandardError.say(
        "lockstep: there is no command \(line); /help tells of those there are, //text says /text")
    default: try answer(line)
    }
    return true
  }

  private func answer(_ message: String) throws {
    let answer: ChatSession.Answer
    interruption?.begin()
    defer { interruption?.end() }
    do {
      answer = try session.answer(
        to: message, isStopped: { interruption?.isRequested ?? false },
        show: { if !asJSON { try StandardOutput.writeText($0) } })
    } catch  where interruption != nil && Self.isOfMessage(error) {
      // In a terminal one can say something else.
      StandardError.say("lockstep: \(error)")
      return
    }
    if asJSON {
      try StandardOutput.printJSON(Report(message: message, answer))
    } else {
      try StandardOutput.writeText("\n")
    }
    tell(of: answer)
  }

  /// Whether it is the message, too long or refused by template or tokenizer, that can not be answered.
  private static func isOfMessage(_ error: any Error) -> Bool {
    error is ChatError || error is ChatTemplateError || error is TokenizerError
  }

  private func tell(of answer: ChatSession.Answer) {
    if answer.forgotten > 0 {
      StandardError.say(
        "lockstep: \(answer.forgotten) earlier messages did not fit the model's context and are forgotten"
      )
    }
    switch answer.ending {
    case .finished: break
    case .stopped: StandardError.say("lockstep: stopped")
    case .limit: StandardError.say("lockstep: the answer reached --max-tokens")
    case .context: StandardError.say("lockstep: the model's context is full")
    }
  }

  private struct Report: Encodable {
    let message: String
    let answer: String
    let tokens: Int
    let ending: ChatSession.Ending
    let forgotten: Int

    init(message: String, _ answer: ChatSession.Answer) {
      self.message = message
      self.answer = answer.text
      tokens = answer.tokens.count
      ending = answer.ending
      forgotten = answer.forgotten
    }
  }
}
