import LockstepSettings

/// The `word_vectors` section: pretrained vectors that the token embedding begins with.
public struct WordVectorConfiguration: Configurable {
  /// nil: the embedding begins as the model's initialiser says.
  public var path: String?
  public var trained = true

  public init() {}

  public static var fields: [Field<Self>] {
    [
      Field(
        "path", \.path, .ifPresent(.path),
        meaning:
          "File of vectors as wide as the model, a `gpt` or a `llama`, in word2vec's text or "
          + "binary format or in GloVe's, gzipped or not; its content tells which. Numbers beyond ±1e6 "
          + "are refused. Tokens without a vector begin as ever. `null` reads none."),
      Field(
        "trained", \.trained,
        meaning:
          "Whether the token embedding is trained. If not, all of it stays as it began, tokens "
          + "without a vector included, and where the head is tied to it, the head, too."),
    ]
  }

  public func check(_ checks: inout SettingChecks) {
    checks.require(
      trained || path != nil, "trained", "true, because word_vectors.path is null",
      involving: "path")
  }
}
