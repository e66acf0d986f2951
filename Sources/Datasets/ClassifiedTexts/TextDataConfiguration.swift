import LockstepSettings

/// Texts, each with its class.
public struct TextDataConfiguration: Configurable {
  public var train = "data/train.csv"
  /// nil: nothing is held out, and nothing is evaluated.
  public var validation: String?
  public var tokenizer = "data/tokenizer.json"
  public var text = "text"
  public var target = "label"
  /// nil: what the file calls them.
  public var classes: ClassNames?

  public init() {}

  public static var fields: [Field<Self>] {
    [
      Field(
        "train", \.train, .path,
        meaning:
          "File of the texts to learn from, gzipped or not: a CSV file with a header line, or, where its name "
          + "ends in `.jsonl`, a JSON object a line."),
      Field(
        "validation", \.validation, .ifPresent(.path), decidesResult: false,
        meaning: "File of the texts to evaluate on; `null` evaluates nothing."),
      Field(
        "tokenizer", \.tokenizer, .path,
        meaning:
          "The `tokenizer.json` that cuts the texts into tokens: of a pretrained model the one beside it. Texts "
          + "that are longer than `model.context` are cut, and counted."),
      Field(
        "text", \.text, .notEmpty, meaning: "The column, or the member, that holds the text."),
      Field(
        "target", \.target, .notEmpty, meaning: "The column, or the member, that holds the class."),
      Field(
        "classes", \.classes, decidesResult: false,
        meaning:
          "The names of the classes where the file has whole numbers, in the order of these numbers: a "
          + "list, or a file with a name on each line; or how many there must be. `null` takes what the file has."
      ),
    ]
  }

  public func check(_ checks: inout SettingChecks) {
    checks.require(
      text != target, "target", "another column than text (\(text))", involving: "text")
  }
}
