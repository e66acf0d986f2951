import Foundation
import LockstepFiles
import LockstepSettings

/// Why nothing can be explained.
public enum ExplanationError: UserInputError, Equatable {
  case emptyText
  /// `option` says which text: `--text` or `--translation`.
  case textTooLong(option: String, tokens: Int, context: Int)
  case noPosition(Int, tokens: Int)
  /// The target is not one token; `pieces` are those that it would be.
  case noToken(String, pieces: [String])
  case noClass(String, classes: [String])
  /// The states of the model's layers can not be read.
  case noLayers(path: String, summary: String)
  /// The model reads text, and was given an image; or the other way about.
  case needsText(path: String)
  case needsImage(path: String)
  case translatesNothing(path: String)
  case notImages(path: String)
  case notClasses(path: String)
  case noImage(Int, path: String, count: Int)
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
    case .needsText(let path): "\(path): holds a model for text: give it --text, not --image"
    case .needsImage(let path): "\(path): holds a model for samples: give it --image, not --text"
    case .translatesNothing(let path):
      "--translation: \(path) holds no translation model (task: translation)"
    case .notImages(let path):
      "\(path): holds a model for a table's rows; explain takes images, and lockstep predict rows"
    case .notClasses(let path):
      "\(path): predicts values; explain takes classes of images, and lockstep predict both"
    case .noImage(let index, let path, let count):
      "--image \(index): \(path) has images 0 to \(count - 1)"
    case .tooManyMaps(let positions, let maps, let mostPositions):
      "\(positions) tokens and \(maps) attention maps would make a page too large for a browser: "
        + "give at most \(mostPositions) tokens"
    case .output(let path, let error): "--output \(path): \(error.reason)"
    }
  }
}
