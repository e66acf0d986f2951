import LockstepSettings

/// What can be wrong with pairs of texts.
public enum PairError: UserInputError, Equatable {
  /// The texts of the two languages are not line for line.
  case unequalLineCounts(source: String, sourceCount: Int, target: String, targetCount: Int)
  /// `--pairs` needs a text for each of the languages.
  case notTwoTexts(count: Int, option: String?)
  /// Not a single line has text in both files.
  case noPairs(source: String, target: String)
  case notUTF8(path: String, line: Int)
  /// The token files of the two languages do not hold equally many texts.
  case unequalCounts(source: String, sourceCount: Int, target: String, targetCount: Int)
  /// A token file whose last text does not end.
  case noEnd(path: String)
  /// Fewer pairs than a micro-batch has fit the model.
  case tooFewPairs(path: String, fitting: Int, count: Int, context: Int, needed: Int)
  /// The tokenizer has no token to end a text with.
  case noEndOfText(path: String)
  /// A line has the name of the token that ends a text.
  case endOfTextInLine(path: String, line: Int)

  public var description: String {
    switch self {
    case .unequalLineCounts(let source, let sourceCount, let target, let targetCount):
      "\(source) has \(sourceCount) lines, \(target) has \(targetCount): "
        + "line N of one must be the translation of line N of the other"
    case .notTwoTexts(let count, let option):
      "\(option.map { "\($0): " } ?? "")\(count) file\(count == 1 ? "" : "s"); with --pairs give two, "
        + "the text to translate and its translation"
    case .noPairs(let source, let target):
      "\(source), \(target): no line has text in both; line N of one is the translation of line N of the other"
    case .notUTF8(let path, let line):
      "\(path): line \(line) is not UTF-8 text; convert the file, for example with iconv -f WINDOWS-1252 -t UTF-8"
    case .unequalCounts(let source, let sourceCount, let target, let targetCount):
      "\(source) holds \(sourceCount) texts, \(target) holds \(targetCount): "
        + "they were not made together; make both again with 'lockstep prepare --pairs'"
    case .noEnd(let path):
      "\(path): its last text does not end with <|endoftext|>: not made by "
        + "'lockstep prepare --pairs'"
    case .tooFewPairs(let path, let fitting, let count, let context, let needed):
      "\(path): \(fitting) of its \(count) pairs fit a context of \(context), and a step "
        + "needs \(needed); raise model.context, lower batch.sequences or batch.microbatches, "
        + "or give more pairs"
    case .endOfTextInLine(let path, let line):
      "\(path): line \(line) has \(Vocabulary.endOfTextName) in it, which ends a text; take it out, or "
        + "read it as text with --special-tokens text"
    case .noEndOfText(let path):
      "\(path): has no special token \(Vocabulary.endOfTextChoice), which ends each text of a pair"
    }
  }
}
