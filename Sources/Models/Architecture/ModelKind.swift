/// What a model maps to what, which decides the tasks that it can learn.
public enum ModelKind: Sendable, CustomStringConvertible {
  /// Tokens to the tokens that follow: a `LanguageModel`.
  case language
  /// Tokens, some hidden, to the hidden ones: a `MaskedLanguageModel`.
  case maskedLanguage
  /// Tokens to a state of each: a `TextEncoder`.
  case encoder
  /// A source and the tokens so far to the token that follows: a `SequenceToSequenceModel`.
  case sequenceToSequence
  /// Samples to classes or values: a `Predictor`.
  case prediction
  /// Texts to classes: a `TextClassifier`.
  case textClassification

  /// What people call it.
  public var description: String {
    switch self {
    case .language: "a model that continues texts"
    case .maskedLanguage: "a model that fills in hidden tokens"
    case .encoder: "an encoder of texts without a head"
    case .sequenceToSequence: "a model that translates"
    case .prediction: "a model for samples"
    case .textClassification: "a model that classifies texts"
    }
  }

  /// The architectures of this kind, as a configuration names them: `linear, sine, mlp or vit`.
  public var architectureNames: String {
    let names = ModelConfiguration.architectures.filter { $0.kind == self }.map { $0.name }
    guard let last = names.last, names.count > 1 else { return names.joined() }
    return names.dropLast().joined(separator: ", ") + " or " + last
  }
}
