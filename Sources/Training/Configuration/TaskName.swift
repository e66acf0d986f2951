import LockstepModels
import LockstepSettings

/// What a run learns to do.
public enum TaskName: String, SettingChoice {
  case languageModeling = "language-modeling"
  case maskedLanguageModeling = "masked-language-modeling"
  case translation
  case classification
  case regression

  public var documentation: String {
    switch self {
    case .languageModeling: "Predict each token from those before it."
    case .maskedLanguageModeling: "Predict hidden tokens from all others."
    case .translation: "Write a text's translation, from pairs of texts."
    case .classification:
      "Predict the class of a sample: of an image, of a table's row, or of a text."
    case .regression: "Predict a value from a table's row."
    }
  }

  /// The models that can learn it; but texts are classified by models of texts.
  public var modelKind: ModelKind {
    switch self {
    case .languageModeling: .language
    case .maskedLanguageModeling: .maskedLanguage
    case .translation: .sequenceToSequence
    case .classification, .regression: .prediction
    }
  }

  /// The names of the formats of data that it can be learned from.
  var dataFormats: [String] {
    switch self {
    case .languageModeling: ["tokens", "conversations", "preferences"]
    case .maskedLanguageModeling: ["tokens"]
    case .translation: ["pairs"]
    case .classification: ["idx", "csv", "texts"]
    case .regression: ["csv"]
    }
  }

  /// These names in a sentence: "tokens, conversations or preferences".
  var dataFormatChoice: String {
    let formats = dataFormats
    let last = formats.suffix(2).joined(separator: " or ")
    return (formats.dropLast(2) + [last]).joined(separator: ", ")
  }
}
