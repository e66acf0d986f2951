import LockstepChatTemplates
import LockstepFiles

/// Makes token files and their masks of conversations.
struct ConversationWriting {
  private let encoder: ConversationEncoder
  /// nil: as many as there are.
  private let mostTokens: Int?
  private let tooLong: ConversationPreparation.TooLong
  /// Keeps what is wrong.
  private var reader: ConversationReader
  private var done = 0
  /// The first conversation that is too long, and how many are.
  private var longest: (conversation: Conversation, tokens: Int, count: Int)?

  init(
    encoder: ConversationEncoder, mostTokens: Int?, tooLong: ConversationPreparation.TooLong,
    reader: ConversationReader
  ) {
    (self.encoder, self.mostTokens, self.tooLong) = (encoder, mostTokens, tooLong)
    self.reader = reader
  }

  /// A token file and its mask, which are yet to appear.
  struct Draft {
    let tokens: TokenFileWriter
    let marks: TokenFileWriter
    let path: String
    var part = ConversationManifest.Part()

    /// Makes both files appear.
    func finish() throws -> ConversationManifest.Part {
      try tokens.finish()
      try marks.finish()
      var part = part
      part.tokens = tokens.count
      part.sha256 = try FileHash.sha256(ofFile: path)
      part.maskSHA256 = try FileHash.sha256(ofFile: ConversationFile.maskPath(of: path))
      return part
    }
  }

  /// - Parameter report: Called with the number of conversations that are done.
  mutating func encode(
    _ conversations: ArraySlice<Conversation>, to path: String, report: (Int) -> Void
  ) throws -> Draft {
    let tokenizer = encoder.tokenizer
    var draft = Draft(
      tokens: try TokenFileWriter(
        path: path, vocabularyCount: tokenizer.vocabulary.textCount,
        tokenizerHash: tokenizer.contentHash),
      marks: try TokenFileWriter(
        path: ConversationFile.maskPath(of: path), vocabularyCount: ConversationFile.Mark.count),
      path: path)
    for conversation in conversations {
      if let encoded = try encoded(conversation), let kept = fit(encoded, conversation, &draft.part)
      {
        try write(kept, to: &draft)
      }
      done += 1
      report(done)
    }
    return draft
  }

  /// - Throws: `ConversationError` where lines are no conversations that the template takes, or are too
  ///   long.
  func requireNoViolations() throws(ConversationError) {
    try reader.requireNoViolations()
    guard let longest else { return }
    throw .tooLong(
      path: longest.conversation.path, line: longest.conversation.line, count: longest.count,
      tokens: longest.tokens, context: (mostTokens ?? 1) - 1)
  }

  /// nil where something is wrong with it, which is kept.
  private mutating func encoded(
    _ conversation: Conversation
  ) throws -> ConversationEncoder.Encoded? {
    func violation(_ reason: String) -> ConversationViolation {
      ConversationViolation(
        path: conversation.path, line: conversation.line, key: "", reason: reason)
    }
    do {
      return try encoder.encode(conversation)
    } catch let error as ChatTemplateError {
      // What the template lacks is no fault of the conversation.
      guard error.kind == .refused || error.kind == .evaluation else { throw error }
      reader.add(violation(error.description))
    } catch let error as ConversationEncoder.Failure {
      reader.add(violation(error.description))
    }
    return nil
  }

  /// The tokens that are kept of a conversation; nil: it is left out.
  private mutating func fit(
    _ encoded: ConversationEncoder.Encoded, _ conversation: Conversation,
    _ part: inout ConversationManifest.Part
  ) -> ConversationEncoder.Encoded? {
    guard let mostTokens, encoded.tokens.count > mostTokens else { return encoded }
    switch tooLong {
    case .error:
      if longest == nil { longest = (conversation, encoded.tokens.count, 0) }
      longest?.count += 1
      return nil
    case .drop:
      part.dropped += 1
      return nil
    case .cut:
      var cut = encoded
      cut.tokens.removeLast(encoded.tokens.count - mostTokens)
      cut.isLearned.removeLast(encoded.isLearned.count - mostTokens)
      guard cut.isLearned.dropFirst().contains(true) else {
        part.dropped += 1
        return nil
      }
      part.cut += 1
      return cut
    }
  }

  private func write(_ encoded: ConversationEncoder.Encoded, to draft: inout Draft) throws {
    draft.part.conversations += 1
    // Nothing predicts the first token.
    draft.part.learned += encoded.isLearned.dropFirst().count { $0 }
    draft.part.joined += encoded.joinedCount
    try draft.tokens.append(encoded.tokens)
    try draft.marks.append(
      encoded.isLearned.enumerated().map { place, isLearned in
        (place == 0 ? ConversationFile.Mark.begins : 0)
          | (isLearned ? ConversationFile.Mark.learned : 0)
      })
  }
}
