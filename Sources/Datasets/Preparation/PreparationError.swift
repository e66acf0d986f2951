import LockstepFiles
import LockstepRedaction
import LockstepSettings

/// What can be wrong with what `lockstep prepare` was asked to do.
public enum PreparationError: UserInputError, Equatable {
  /// An input can not be redacted.
  case notRedacted(RedactionError)
  /// No input was named.
  case noInput
  /// An input cannot be read.
  case unreadableInput(path: String, reason: String)
  /// An input directory holds no text; the notes say what was left out.
  case noTextFiles(directory: String, notes: [String])
  /// The inputs hold not a single byte.
  case emptyInput(paths: [String])
  /// Standard input was named twice.
  case repeatedStandardInput
  /// The fraction of text to hold out is not in 0 ..< 1.
  case invalidFraction(Double)
  /// The text is too short to give both parts at least a byte.
  case textTooShort(byteCount: Int, fraction: Double)
  /// The tokenizer's name is neither a kind nor a file.
  case unknownTokenizer(String)
  /// A vocabulary's size was asked for where it cannot be chosen.
  case vocabularySizeNotApplicable(tokenizer: String)
  /// Several documents need `<|endoftext|>` between them, which the tokenizer lacks.
  case noEndOfText(tokenizer: String, documentCount: Int)
  /// The output cannot be written.
  case outputNotWritable(path: String, reason: String)
  /// Another preparation is at work in the output directory.
  case outputInUse(path: String)
  /// A text that the tokenizer can not express. The error's offset is from the line's begin.
  case notExpressible(path: String, line: Int, TokenizerError)
  /// What the output directory holds can not be seen.
  case outputNotReadable(FileError)
  /// The output directory holds a data set made from other input or with other arguments.
  case outputDiffers(directory: String, reason: String)

  public var description: String {
    switch self {
    case .notRedacted(let error): error.description
    case .noInput:
      "no input: name text files, directories of *.txt files, or '-' for standard input"
    case .unreadableInput(let path, let reason):
      "\(path): cannot read the input: \(reason)"
    case .noTextFiles(let directory, let notes):
      "\(directory): no *.txt files in this directory or below it"
        + notes.map { "; \($0)" }.joined()
    case .emptyInput(let paths):
      "\(paths.joined(separator: ", ")): the input is empty"
    case .repeatedStandardInput:
      "'-' is given twice, but standard input can be read only once"
    case .invalidFraction(let fraction):
      "--validation-fraction is \(fraction), expected 0 or more and less than 1 "
        + "(0: nothing is held out)"
    case .textTooShort(let byteCount, let fraction):
      "the text of \(byteCount) bytes is too short to hold out a fraction of \(fraction)"
    case .unknownTokenizer(let name):
      "--tokenizer is '\(name)', expected bpe, bytes, characters, or a tokenizer.json; "
        + "there is no such file"
    case .vocabularySizeNotApplicable(let tokenizer):
      "--vocabulary-size goes with --tokenizer bpe only, which learns its vocabulary; "
        + "here it is \(tokenizer)"
    case .noEndOfText(let tokenizer, let documentCount):
      "\(tokenizer): the tokenizer has no special token \(Vocabulary.endOfTextChoice), which stands "
        + "between the \(documentCount) documents of the input"
    case .outputNotWritable(let path, let reason):
      "\(path): cannot write the output: \(reason)"
    case .outputInUse(let path):
      "\(path): another prepare is at work in this directory: wait for it, or choose another --output"
    case .notExpressible(let path, let line, let error): "\(path): line \(line): \(error)"
    case .outputNotReadable(let error): error.description
    case .outputDiffers(let directory, let reason):
      "\(directory): already holds a data set, and \(reason); "
        + "choose another --output, or replace it with --overwrite"
    }
  }
}
