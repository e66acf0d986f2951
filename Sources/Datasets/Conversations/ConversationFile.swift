import LockstepFiles

/// Conversations in a token file, one after the other, and a second one that says of each token
/// whether it is learned and whether a conversation begins with it.
public struct ConversationFile: Sendable {
  /// What the second file says of a token: bits of its number.
  enum Mark {
    static let learned: Int32 = 1
    static let begins: Int32 = 2
    /// Of the first token of a conversation whose answer was rejected: that before it has the same
    /// prompt, and an answer that was chosen.
    static let rejected: Int32 = 4
    /// All marks are below it; of files without preferences below the lower one.
    static let count = 8
    static let countWithoutPreferences = 4
  }

  public let tokens: TokenFile
  public let marks: TokenFile
  /// Where each conversation begins, and where the last one ends.
  private let starts: [Int32]
  /// Tokens that are learned.
  public let learnedCount: Int
  /// Whether each second conversation has the prompt of the one before it, with an answer that was
  /// rejected.
  public let holdsPreferences: Bool

  /// The file that lies beside a token file: `train.mask.bin` beside `train.bin`.
  public static func maskPath(of path: String) -> String {
    (path.hasSuffix(".bin") ? String(path.dropLast(4)) : path) + ".mask.bin"
  }

  /// - Throws: `ConversationError.damaged` where the files do not belong together.
  public init(tokens: TokenFile, marks: TokenFile) throws(ConversationError) {
    func damaged(_ reason: String) -> ConversationError {
      .damaged(path: marks.path, reason: reason)
    }
    guard tokens.count == marks.count else {
      throw damaged("\(marks.count) marks for the \(tokens.count) tokens of \(tokens.path)")
    }
    self.tokens = tokens
    self.marks = marks
    var (starts, learnedCount, rejectedCount) = ([Int32](), 0, 0)
    for start in stride(from: 0, to: marks.count, by: 1 << 16) {
      let piece = marks.tokens(start..<min(marks.count, start + 1 << 16))
      for (place, mark) in piece.enumerated() {
        guard 0..<Int32(Mark.count) ~= mark else { throw damaged("the mark \(mark)") }
        let begins = mark & Mark.begins != 0
        if mark & Mark.rejected != 0 {
          guard begins, starts.count % 2 == 1 else { throw damaged("the mark \(mark)") }
          rejectedCount += 1
        }
        if begins { starts.append(Int32(start + place)) }
        if !begins && mark & Mark.learned != 0 { learnedCount += 1 }
        if starts.isEmpty { throw damaged("no conversation begins with its first token") }
      }
    }
    guard !starts.isEmpty, learnedCount > 0 else { throw damaged("nothing is learned") }
    guard rejectedCount == 0 || 2 * rejectedCount == starts.count else {
      throw damaged("\(rejectedCount) rejected answers of \(starts.count)")
    }
    holdsPreferences = rejectedCount > 0
    self.starts = starts + [Int32(marks.count)]
    self.learnedCount = learnedCount
  }

  /// Number of conversations.
  public var count: Int { starts.count - 1 }

  /// Where a conversation is in the files.
  package func range(of conversation: Int) -> Range<Int> {
    Int(starts[conversation])..<Int(starts[conversation + 1])
  }

  /// Whether each token of a range is learned.
  package func learned(in range: Range<Int>) -> [Bool] {
    marks.tokens(range).map { $0 & Mark.learned != 0 }
  }

  /// Tokens of the longest conversation.
  public var longest: Int {
    zip(starts.dropFirst(), starts).reduce(0) { max($0, Int($1.0 - $1.1)) }
  }
}

extension ConversationFile {
  /// The conversations that one token file holds, if a file beside it says what is learned of it.
  ///
  /// - Throws: `ConversationError`, `TokenFileError`.
  public static func beside(_ files: [TokenFile]) throws -> ConversationFile? {
    guard let file = files.first, files.count == 1 else { return nil }
    let path = maskPath(of: file.path)
    guard try FileSystem.exists(path) else { return nil }
    return try ConversationFile(tokens: file, marks: TokenFile(path: path))
  }
}
