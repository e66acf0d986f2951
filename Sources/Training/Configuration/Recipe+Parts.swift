import LockstepDatasets
import LockstepModels
import LockstepSettings

extension Recipe {
  /// The data and the architecture of a recipe, as the task needs them: with the keys of its own
  /// format of data, and an architecture that makes models of its kind.
  package enum Parts: Sendable {
    case languageModeling(TokenDataConfiguration, any LanguageArchitecture)
    case chat(ConversationDataConfiguration, any LanguageArchitecture)
    case preferences(PreferenceDataConfiguration, PreferenceConfiguration, any LanguageArchitecture)
    case maskedLanguageModeling(TokenDataConfiguration, any MaskedLanguageArchitecture)
    case translation(PairDataConfiguration, any SequenceToSequenceArchitecture)
    /// Classification or regression, as the source says.
    case prediction(SampleSource, any PredictorArchitecture)
    case textClassification(TextDataConfiguration, any ClassifyingArchitecture)
  }

  /// The recipe's parts. A recipe that was read, or validated, has them.
  ///
  /// - Throws: `ConfigurationError` where task, data and model do not go together.
  package func parts() throws(ConfigurationError) -> Parts {
    switch (task, data.format, model.role) {
    case (.languageModeling, .tokens(let data), .language(let architecture)):
      return .languageModeling(data, architecture)
    case (.languageModeling, .conversations(let data), .language(let architecture)):
      return .chat(data, architecture)
    case (.languageModeling, .preferences(let data), .language(let architecture)):
      return .preferences(
        data, loss.kind.preference ?? PreferenceConfiguration(), architecture)
    case (.maskedLanguageModeling, .tokens(let data), .maskedLanguage(let architecture)):
      return .maskedLanguageModeling(data, architecture)
    case (.translation, .pairs(let data), .sequenceToSequence(let architecture)):
      return .translation(data, architecture)
    case (.classification, .idx(let images), .prediction(let architecture)):
      return .prediction(.images(images), architecture)
    case (.classification, .csv(let table), .prediction(let architecture)):
      return .prediction(.classes(table), architecture)
    case (.classification, .texts(let texts), _):
      guard let architecture = model.classifying else { break }
      return .textClassification(texts, architecture)
    case (.regression, .csv(let table), .prediction(let architecture)):
      return .prediction(.values(table), architecture)
    case (.languageModeling, _, _), (.maskedLanguageModeling, _, _), (.translation, _, _),
      (.classification, _, _), (.regression, _, _):
      break
    }
    let expected =
      "a task for data.format: \(data.format.variantName) and for \(model.kind)"
    throw ConfigurationError(violations: [
      Violation(
        .wrongValue(found: task.rawValue, expected: expected),
        at: SettingPath(description: "task"), origin: nil)
    ])
  }
}

extension Recipe.Parts {
  /// The section of token files; nil: there are none.
  var tokens: TokenDataConfiguration? {
    switch self {
    case .languageModeling(let tokens, _), .maskedLanguageModeling(let tokens, _): tokens
    case .chat, .preferences, .translation, .prediction, .textClassification: nil
    }
  }

  /// The section of preferences; nil: there are none.
  var preferences: PreferenceDataConfiguration? {
    if case .preferences(let preferences, _, _) = self { preferences } else { nil }
  }

  /// The section of conversations; nil: there are none.
  var conversations: ConversationDataConfiguration? {
    if case .chat(let conversations, _) = self { conversations } else { nil }
  }

  /// The section of pairs; nil: there are none.
  var pairs: PairDataConfiguration? {
    if case .translation(let pairs, _) = self { pairs } else { nil }
  }

  /// The section of texts with classes; nil: there are none.
  var texts: TextDataConfiguration? {
    if case .textClassification(let texts, _) = self { texts } else { nil }
  }

  /// Where samples are; nil: there are none.
  var samples: SampleSource? {
    if case .prediction(let source, _) = self { source } else { nil }
  }
}
