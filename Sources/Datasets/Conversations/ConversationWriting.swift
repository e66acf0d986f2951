import LockstepChatTemplates
import LockstepFiles

/// Makes token files and their masks of conversations.
struct ConversationWriting {
  private let encoder: ConversationEncoder
  /// nil: as many as there are.
  private let mostTokens: Int?
  private let tooLong: ConversationPreparation.TooLong
  private let form: ConversationReader.Form
  private var violations = ConversationViolations()
  private var done = 0
  /// The first conversation that is too long, and how many are.
  private var longest: (conversation: Conversation, tokens: Int, count: Int)?

  init(
    encoder: ConversationEncoder, mostTokens: Int?, tooLong: ConversationPreparation.TooLong,
    form: ConversationReader.Form
  ) {
    (self.encoder, self.mostTokens, self.tooLong) = (encoder, mostTokens, tooLong)
    self.form = form
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
        path: ConversationFile.maskPath(of: path),
        vocabularyCount: form == .preference
          ? ConversationFile.Mark.count : ConversationFile.Mark.countWithoutPreferences),
      path: path)
    let size = form.conversationCount
    for first in stride(from: conversations.startIndex, to: conversations.endIndex, by: size) {
      let together = conversations[first..<first + size]
      let encoded = try together.compactMap { try self.encoded($0) }
      if encoded.count == size, let kept = fit(encoded, together, &draft.part) {
        for (place, side) in kept.enumerated() {
          try write(side, isRejected: place == 1, to: &draft)
        }
      }
      done += size
      report(done)
    }
    return draft
  }

  /// - Throws: `ConversationError` where lines are no conversations that the template and the tokenizer
  ///   take, or are too long.
  func requireNoViolations() throws(ConversationError) {
    try violations.requireNone()
    guard let longest else { return }
    throw .tooLong(
      path: longest.conversation.path, line: longest.conversation.line, count: longest.count,
      tokens: longest.tokens, context: (mostTokens ?? 1) - 1)
  }

  /// nil where something is wrong with it, which is kept.
  private mutating func encoded(
    _ conversation: Conversation
  ) throws -> ConversationEncoder.Encoded? {
    do {
      return try encoder.encode(conversation)
    } catch let error as ChatTemplateError {
      guard error.isOfConversation else { throw error }
      violations.add(error.description, path: conversation.path, line: conversation.line)
    } catch let error as TokenizerError {
      violations.add(error.description, path: conversation.path, line: conversation.line)
    } catch let error as ConversationEncoder.Failure {
      violations.add(error.description, path: conversation.path, line: conversation.line)
    }
    return nil
  }

  /// The tokens that are kept of a conversation, or of both of a preference; nil: it is left out.
  private mutating func fit(
    _ encoded: [ConversationEncoder.Encoded], _ conversations: ArraySlice<Conversation>,
    _ part: inout ConversationManifest.Part
  ) -> [ConversationEncoder.Encoded]? {
    guard let mostTokens else { return encoded }
    let tooMany = zip(encoded, conversations).filter { $0.0.tokens.count > mostTokens }
    guard let first = tooMany.first else { return encoded }
    switch tooLong {
    case .error:
      if longest == nil { longest = (first.1, first.0.tokens.count, 0) }
      longest?.count += 1
      return nil
    case .drop:
      part.dropped += 1
      return nil
    case .cut:
      let cut = encoded.map { side in
        var side = side
        let excess = max(0, side.tokens.count - mostTokens)
        side.tokens.removeLast(excess)
        side.isLearned.removeLast(excess)
        return side
      }
      // Two answers may differ behind the cut alone.
      guard cut.allSatisfy({ $0.isLearned.dropFirst().contains(true) }),
        cut.count == 1 || cut[0].tokens != cut[1].tokens
      else {
        part.dropped += 1
        return nil
      }
      part.cut += 1
      return cut
    }
  }

  private func write(
    _ encoded: ConversationEncoder.Encoded, isRejected: Bool, to draft: inout Draft
  ) throws {
    let begins =
      ConversationFile.Mark.begins | (isRejected ? ConversationFile.Mark.rejected : 0)
    draft.part.conversations += 1
    // Nothing predicts the first token.
    draft.part.learned += encoded.isLearned.dropFirst().count { $0 }
    draft.part.joined += encoded.joinedCount
    draft.part.endless = (draft.part.endless ?? 0) + encoded.endlessCount
    try draft.tokens.append(encoded.tokens)
    try draft.marks.append(
      encoded.isLearned.enumerated().map { place, isLearned in
        (place == 0 ? begins : 0)
          | (isLearned ? ConversationFile.Mark.learned : 0)
      })
  }
}
