import LockstepSettings

/// What can be wrong with a token file. Offsets are bytes from the start of the file.
public enum TokenFileError: UserInputError, Equatable {
  /// The file cannot be opened or mapped.
  case unreadable(path: String, reason: String)
  /// The file ends inside its header.
  case noHeader(path: String, byteCount: Int)
  /// The first word is not that of a token file.
  case wrongMagic(path: String, found: Int32)
  /// The second word is not the version that goes with the first.
  case wrongVersion(path: String, found: Int32, expected: Int32)
  /// The header promises another size than the file has.
  case wrongSize(path: String, tokenCount: Int, expected: Int, byteCount: Int)
  /// A header word makes no sense.
  case wrongHeader(path: String, offset: Int, found: Int32, expected: String)
  /// A token is not in the vocabulary.
  case tokenOutsideVocabulary(path: String, token: Int, offset: Int, vocabularyCount: Int)
  /// The file was made with another tokenizer.
  case otherTokenizer(path: String, reason: String)
  /// The file has too few tokens for one window.
  case tooShort(path: String, tokenCount: Int, context: Int)
  /// The format counts tokens in 31 bits.
  case tooManyTokens(path: String)

  public var description: String {
    switch self {
    case .unreadable(let path, let reason):
      "\(path): cannot read the token file: \(reason)"
    case .noHeader(let path, let byteCount):
      "\(path): truncated at byte \(byteCount), inside the header of \(TokenFileHeader.byteCount) "
        + "bytes; make the file again with 'lockstep prepare'"
    case .wrongMagic(let path, let found):
      "\(path): not a token file: the word at byte 0 is \(found), expected "
        + "\(TokenFileHeader.Width.two.magic) or \(TokenFileHeader.Width.four.magic); "
        + "make one from text with 'lockstep prepare'"
    case .wrongVersion(let path, let found, let expected):
      "\(path): version \(found) at byte 4, expected \(expected); "
        + "make the file again with 'lockstep prepare'"
    case .wrongSize(let path, let tokenCount, let expected, let byteCount):
      byteCount < expected
        ? "\(path): truncated at byte \(byteCount): \(tokenCount) tokens need \(expected) bytes; "
          + "copy or make the file again"
        : "\(path): \(byteCount - expected) bytes too many after byte \(expected), where its "
          + "\(tokenCount) tokens end; copy or make the file again"
    case .wrongHeader(let path, let offset, let found, let expected):
      "\(path): damaged header: the word at byte \(offset) is \(found), expected \(expected); "
        + "make the file again with 'lockstep prepare'"
    case .tokenOutsideVocabulary(let path, let token, let offset, let vocabularyCount):
      "\(path): token \(token) at byte \(offset) is outside of the vocabulary of "
        + "\(vocabularyCount); the file was made with another tokenizer, or is damaged"
    case .otherTokenizer(let path, let reason):
      "\(path): the token file and the tokenizer do not belong together: \(reason); "
        + "give the tokenizer.json that 'lockstep prepare' wrote beside the token file"
    case .tooShort(let path, let tokenCount, let context):
      "\(path): \(tokenCount) tokens are too few for a context of \(context), which needs "
        + "\(context + 1); shorten the context or give more text"
    case .tooManyTokens(let path):
      "\(path): a token file holds at most \(Int32.max) tokens; split the text into several"
    }
  }
}
