import Foundation
import LockstepDatasets
import LockstepFiles
import LockstepSettings

/// Why nothing can be explained.
public enum ExplanationError: UserInputError, Equatable {
  case emptyText
  /// `option` says which text: `--text` or `--translation`.
  case textTooLong(option: String, tokens: Int, context: Int)
  case noPosition(Int, tokens: Int)
  /// A masked language model reads a text without a mask.
  case nothingHidden(tokens: Int)
  /// The target is not one token; `pieces` are those that it would be.
  case noToken(String, pieces: [String])
  case noClass(String, classes: [String])
  /// The states of the model's layers can not be read.
  case noLayers(path: String, summary: String)
  /// The model reads text, and was given a sample by this option.
  case needsText(path: String, option: String)
  /// The model takes samples, and was given a text.
  case needsSample(path: String)
  case translatesNothing(path: String)
  /// The model takes images and was given a row, or the other way about; `option` is the right one.
  case otherSamples(path: String, option: String)
  /// The model predicts values.
  case noClasses(path: String)
  /// `kind` is "image" or "row".
  case noSample(Int, kind: String, path: String, count: Int)
  case tooManyMaps(positions: Int, maps: Int, mostPositions: Int)
  /// The page can not be written.
  case output(path: String, FileError)

  public var description: String {
    switch self {
    case .emptyText: "--text is empty: give at least one token"
    case .textTooLong(let option, let tokens, let context):
      "\(option): has \(tokens) tokens, the model's context is \(context): shorten it"
    case .noPosition(let position, let tokens):
      "--position \(position): expected 0 to \(tokens - 1), the places of the text's tokens"
    case .nothingHidden(let tokens):
      "--text: has no \(Vocabulary.maskName): put it in the place of a word that the model is to predict, "
        + "or say by --position, 0 to \(tokens - 1), which token is explained"
    case .noToken(let text, let pieces) where pieces.isEmpty:
      "--target \"\(text)\": expected the text of one token"
    case .noToken(let text, let pieces):
      "--target \"\(text)\": is \(pieces.count) tokens, "
        + pieces.map { "\"\($0)\"" }.joined(separator: " and ")
        + ": expected one, such as \"\(pieces[0])\""
    case .noClass(let name, let classes):
      "--target \(name): no such class; expected one of \(classes.joined(separator: ", "))"
    case .noLayers(let path, let summary):
      "\(path): holds \(summary), whose layers cannot be read; "
        + "explain takes models that say how (docs/explain.md)"
    case .needsText(let path, let option):
      "\(path): holds a model for text: give it --text, not \(option)"
    case .needsSample(let path):
      "\(path): holds a model for samples: give it --image or --row, not --text"
    case .translatesNothing(let path):
      "--translation: \(path) holds no translation model (task: translation)"
    case .otherSamples(let path, let option):
      "\(path): holds a model for \(option == "--row" ? "a table's rows" : "images"): give it \(option)"
    case .noClasses(let path):
      "\(path): predicts values, no classes: leave out --target, and --image if it sees images"
    case .noSample(let index, let kind, let path, let count):
      "--\(kind) \(index): \(path) has \(kind)s 0 to \(count - 1)"
    case .tooManyMaps(let positions, let maps, let mostPositions):
      "\(positions) tokens and \(maps) attention maps would make a page too large for a browser: "
        + "give at most \(mostPositions) tokens"
    case .output(let path, let error): "--output \(path): \(error.reason)"
    }
  }
}
