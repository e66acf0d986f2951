import LockstepSettings

/// What can be wrong with a file of word vectors. Lines count from 1, bytes from 0.
public enum WordVectorError: UserInputError, Equatable {
  case unreadable(path: String, reason: String)
  /// The first line is no header and no vector.
  case noVectors(path: String)
  /// The vectors have another width than the model.
  case otherWidth(path: String, found: Int, expected: Int)
  /// A line of text has another number of numbers than the others.
  case wrongCount(path: String, line: Int, found: Int, expected: Int)
  case notANumber(path: String, line: Int, found: String)
  /// The header promises more vectors than the file has, or fewer.
  case wrongWordCount(path: String, found: Int, expected: Int)
  /// A binary file ends inside of a vector.
  case truncated(path: String, byteCount: Int, vector: Int, expected: Int)
  /// A binary file goes on after its last vector.
  case tooLong(path: String, end: Int, byteCount: Int)
  /// A number of a binary file is not finite.
  case notFinite(path: String, word: String, offset: Int)
  /// A number is beyond `WordVectors.magnitudeLimit`.
  case tooLarge(path: String, place: String, found: String)

  public var description: String {
    switch self {
    case .unreadable(let path, let reason): "\(path): cannot read the word vectors: \(reason)"
    case .noVectors(let path):
      "\(path): line 1: found neither a count and a width nor a word with its numbers; expected "
        + "vectors in word2vec's text or binary format, or in GloVe's"
    case .otherWidth(let path, let found, let expected):
      "\(path): vectors of \(found) numbers, but model.width is \(expected): set it to \(found), or "
        + "take other vectors"
    case .wrongCount(let path, let line, let found, let expected):
      "\(path): line \(line): found \(found) number\(found == 1 ? "" : "s") after the word, expected "
        + "\(expected)"
    case .notANumber(let path, let line, let found):
      "\(path): line \(line): found \"\(found)\", expected a finite number"
    case .wrongWordCount(let path, let found, let expected):
      "\(path): has \(found) vectors, but its first line promises \(expected); copy the file again"
    case .truncated(let path, let byteCount, let vector, let expected):
      "\(path): truncated at byte \(byteCount), inside of vector \(vector) of the \(expected) that "
        + "its first line promises; copy the file again"
    case .tooLong(let path, let end, let byteCount):
      "\(path): \(byteCount - end) bytes too many after byte \(end), where its last vector ends; "
        + "copy the file again"
    case .notFinite(let path, let word, let offset):
      "\(path): byte \(offset): the vector of \"\(word)\" has a number that is not finite"
    case .tooLarge(let path, let place, let found):
      "\(path): \(place): found \(found), expected a number from -1e6 to 1e6: with larger ones "
        + "training diverges at once; take other vectors, or scale them"
    }
  }
}
