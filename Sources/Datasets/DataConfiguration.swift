import Settings

/// The `data` section: files as `lockstep prepare` writes them. Relative paths are relative to the
/// current directory.
public struct DataConfiguration: Configurable {
  public var train = "data/train.bin"
  /// nil: nothing is held out, and nothing is evaluated.
  public var validation: String? = "data/validation.bin"
  /// nil: the model knows tokens by number only, and no text can be made.
  public var tokenizer: String? = "data/tokenizer.json"

  public init() {}

  public static var fields: [Field<Self>] {
    [
      Field("train", \.train, .path, meaning: "Token file to learn from."),
      Field(
        "validation", \.validation, .ifPresent(.path), decidesResult: false,
        meaning: "Token file to evaluate on; `null` evaluates nothing."),
      Field(
        "tokenizer", \.tokenizer, .ifPresent(.path),
        meaning:
          "The `tokenizer.json` that made the token files. `null` does without: no bits per byte, no "
          + "generated text, and `model.vocabulary` must be given."),
    ]
  }
}
