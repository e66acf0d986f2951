import LockstepSettings

/// Conversations, as `lockstep prepare --chat` writes them.
public struct ConversationDataConfiguration: Configurable {
  public var train = "data/train.bin"
  /// nil: nothing is held out, and nothing is evaluated.
  public var validation: String? = "data/validation.bin"
  public var tokenizer = "data/tokenizer.json"
  public var lossOn = LearnedTokens.completions

  public init() {}

  public static var fields: [Field<Self>] {
    [
      Field(
        "train", \.train, .path,
        meaning: "Token file of the conversations to learn from; `train.mask.bin` lies beside it."),
      Field(
        "validation", \.validation, .ifPresent(.path), decidesResult: false,
        meaning: "Token file of the conversations to evaluate on; `null` evaluates nothing."),
      Field(
        "tokenizer", \.tokenizer, .path,
        meaning:
          "The `tokenizer.json` that made the token files. The chat template beside it goes into each "
          + "checkpoint."),
      Field(
        "loss_on", \.lossOn, meaning: "Which tokens the loss counts, in training and evaluation."),
    ]
  }

  /// The same files as token files.
  public var tokens: TokenDataConfiguration {
    TokenDataConfiguration(train: train, validation: validation, tokenizer: tokenizer)
  }
}
