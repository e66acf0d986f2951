import LockstepSettings

/// How the documents of a token file share a sequence.
public enum DocumentHandling: String, SettingChoice {
  case joined
  case separate

  public var documentation: String {
    switch self {
    case .joined:
      "A sequence is one text: a token sees whatever stands before it, another document too."
    case .separate:
      "A token sees its own document only, and positions count from the document's beginning; "
        + "end-of-text tokens mark the borders."
    }
  }
}

extension DocumentHandling {
  /// The token between documents that are kept apart; nil: they are joined.
  ///
  /// - Parameters:
  ///   - tokenizer: Whose end-of-text token that is.
  ///   - path: The tokenizer's file.
  /// - Throws: `MissingSeparatorError` where documents are to be kept apart and no token does it.
  public func separator(
    of tokenizer: (any Tokenizer)?, path: String?
  ) throws(MissingSeparatorError) -> Int32? {
    guard self == .separate else { return nil }
    guard let separator = tokenizer?.endOfText else { throw MissingSeparatorError(path: path) }
    return separator
  }
}

/// Documents are to be kept apart, and no token is known to stand between them.
public struct MissingSeparatorError: UserInputError, Equatable {
  /// The tokenizer's file; nil: there is none.
  public let path: String?

  public init(path: String?) { self.path = path }

  public var description: String {
    "data.documents: separate needs a token between documents, and "
      + (path.map { "\($0) has no special token \(Vocabulary.endOfTextChoice)" }
        ?? "there is no tokenizer")
  }
}
