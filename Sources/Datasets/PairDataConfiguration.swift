import LockstepSettings

/// Texts and their translations, as `lockstep prepare --pairs` writes them.
public struct PairDataConfiguration: Configurable {
  public var trainSource = "data/train.source.bin"
  public var trainTarget = "data/train.target.bin"
  /// nil: nothing is held out, and nothing is evaluated.
  public var validationSource: String? = "data/validation.source.bin"
  public var validationTarget: String? = "data/validation.target.bin"
  public var tokenizer = "data/tokenizer.json"

  public init() {}

  public static var fields: [Field<Self>] {
    [
      Field("train_source", \.trainSource, .path, meaning: "Token file of the texts to translate."),
      Field("train_target", \.trainTarget, .path, meaning: "Token file of their translations."),
      Field(
        "validation_source", \.validationSource, .ifPresent(.path), decidesResult: false,
        meaning: "Token file of the texts to evaluate on; `null` evaluates nothing."),
      Field(
        "validation_target", \.validationTarget, .ifPresent(.path), decidesResult: false,
        meaning: "Token file of their translations."),
      Field(
        "tokenizer", \.tokenizer, .path,
        meaning: "The `tokenizer.json` that made the token files."),
    ]
  }

  public func check(_ checks: inout SettingChecks) {
    checks.require(
      (validationSource == nil) == (validationTarget == nil), "validation_target",
      validationSource == nil
        ? "null, because data.validation_source is null"
        : "a path, because data.validation_source is one",
      involving: "validation_source")
  }
}
