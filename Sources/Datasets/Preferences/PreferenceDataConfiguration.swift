import LockstepSettings

/// Preferences, as `lockstep prepare --preferences` writes them.
public struct PreferenceDataConfiguration: Configurable {
  public var train = "data/train.bin"
  /// nil: nothing is held out, and nothing is evaluated.
  public var validation: String? = "data/validation.bin"
  public var tokenizer = "data/tokenizer.json"

  public init() {}

  public static var fields: [Field<Self>] {
    [
      Field(
        "train", \.train, .path,
        meaning:
          "Token file of the preferences to learn from; `train.mask.bin` lies beside it."),
      Field(
        "validation", \.validation, .ifPresent(.path), decidesResult: false,
        meaning: "Token file of the preferences to evaluate on; `null` evaluates nothing."),
      Field(
        "tokenizer", \.tokenizer, .path,
        meaning:
          "The `tokenizer.json` that made the token files. The chat template beside it goes into each "
          + "checkpoint."),
    ]
  }

  /// The same files as those of conversations.
  public var conversations: ConversationDataConfiguration {
    var conversations = ConversationDataConfiguration()
    (conversations.train, conversations.validation) = (train, validation)
    conversations.tokenizer = tokenizer
    return conversations
  }
}
