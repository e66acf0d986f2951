import LockstepSettings

/// The `data` section: what the files are, and the keys that such files need. Relative paths start
/// from the run's `directory`.
public struct DataConfiguration: Configurable {
  public enum Format: SettingVariants {
    case tokens(TokenDataConfiguration)
    case idx(ImageDataConfiguration)
    case csv(TableDataConfiguration)
    case pairs(PairDataConfiguration)
    case conversations(ConversationDataConfiguration)
    case preferences(PreferenceDataConfiguration)
    case texts(TextDataConfiguration)

    public static var variants: [Variant<Self>] {
      [
        Variant(
          "tokens", "Token files, as `lockstep prepare` makes them from text; for language models.",
          Self.tokens
        ) {
          if case .tokens(let configuration) = $0 { configuration } else { nil }
        },
        Variant(
          "idx",
          "Images and their labels in the IDX files of MNIST and its like, gzipped or not; for "
            + "classification.",
          Self.idx
        ) {
          if case .idx(let configuration) = $0 { configuration } else { nil }
        },
        Variant(
          "csv",
          "A table of comma-separated values with a header line, gzipped or not; for regression and "
            + "classification.",
          Self.csv
        ) {
          if case .csv(let configuration) = $0 { configuration } else { nil }
        },
        Variant(
          "pairs",
          "Token files of texts and of their translations, as `lockstep prepare --pairs` makes them; "
            + "for translation.",
          Self.pairs
        ) {
          if case .pairs(let configuration) = $0 { configuration } else { nil }
        },
        Variant(
          "conversations",
          "Token files of conversations, as `lockstep prepare --chat` makes them; for language "
            + "models.",
          Self.conversations
        ) {
          if case .conversations(let configuration) = $0 { configuration } else { nil }
        },
        Variant(
          "preferences",
          "Token files of prompts with a chosen and a rejected answer each, as `lockstep prepare "
            + "--preferences` makes them; for language models.",
          Self.preferences
        ) {
          if case .preferences(let configuration) = $0 { configuration } else { nil }
        },
        Variant(
          "texts", "Texts and their classes, in a CSV file or JSON Lines; for classification.",
          Self.texts
        ) {
          if case .texts(let configuration) = $0 { configuration } else { nil }
        },
      ]
    }
  }

  public var format: Format = .tokens(TokenDataConfiguration())
  /// What becomes of a run whose data are no longer what it learned from.
  public var changed = ChangedData.refuse

  public init() {}

  public init(_ format: Format) {
    self.format = format
  }

  public static var fields: [Field<Self>] {
    [
      Field("format", choosing: \.format, meaning: "What the files are."),
      Field(
        "changed", \.changed, decidesResult: false,
        meaning:
          "What `--resume` does where a file's content is not what the run learned from, or was "
          + "evaluated on, under the same name."),
    ]
  }

  /// The part of the samples that is held out; nothing of texts.
  public var folds: FoldConfiguration {
    switch format {
    case .tokens, .pairs, .conversations, .preferences, .texts: FoldConfiguration()
    case .idx(let images): images.folds
    case .csv(let table): table.folds
    }
  }

  /// The keys of token files; nil for other formats.
  public var tokens: TokenDataConfiguration? {
    if case .tokens(let tokens) = format { tokens } else { nil }
  }

  /// The keys of conversations; nil for other formats.
  public var conversations: ConversationDataConfiguration? {
    if case .conversations(let conversations) = format { conversations } else { nil }
  }

  /// The keys of preferences; nil for other formats.
  public var preferences: PreferenceDataConfiguration? {
    if case .preferences(let preferences) = format { preferences } else { nil }
  }

  /// The keys of texts with classes; nil for other formats.
  public var texts: TextDataConfiguration? {
    if case .texts(let texts) = format { texts } else { nil }
  }

  /// The keys of pairs; nil for other formats.
  public var pairs: PairDataConfiguration? {
    if case .pairs(let pairs) = format { pairs } else { nil }
  }
}

/// Token files, as `lockstep prepare` writes them.
public struct TokenDataConfiguration: Configurable {
  public var train = OneOrMore(TokenSource())
  /// nil: nothing is held out, and nothing is evaluated.
  public var validation: OneOrMore<String>? = OneOrMore("data/validation.bin")
  /// nil: the model knows tokens by number only, and no text can be made.
  public var tokenizer: String? = "data/tokenizer.json"
  public var augmentation = TokenAugmentation()
  public var documents = DocumentHandling.joined

  public init() {}

  public init(train: String, validation: String?, tokenizer: String?) {
    self.train = OneOrMore(TokenSource(path: train))
    self.validation = validation.map { OneOrMore($0) }
    self.tokenizer = tokenizer
  }

  public static var fields: [Field<Self>] {
    [
      Field(
        "train", \.train,
        meaning:
          "Token file to learn from, or a list of them: each sequence is read from one, chosen by "
          + "weight."),
      Field(
        "validation", \.validation, .ifPresent(.each(.path)), decidesResult: false,
        meaning:
          "Token file to evaluate on, or a list of them: the loss is the mean over all their tokens, "
          + "whatever the weights in `train`. `null` evaluates nothing."),
      Field(
        "tokenizer", \.tokenizer, .ifPresent(.path),
        meaning:
          "The `tokenizer.json` that made the token files. `null` does without: no bits per byte, no "
          + "generated text, and `model.vocabulary` must be given."),
      Field(
        "augmentation", \.augmentation,
        meaning: "How sequences are changed before each time that they are learned from."),
      Field(
        "documents", \.documents,
        meaning: "How documents that meet in a sequence are read, in training and evaluation."),
    ]
  }

  public func check(_ checks: inout SettingChecks) {
    checks.require(
      documents == .joined || tokenizer != nil, "documents",
      "joined, because data.tokenizer is null and no token is known to end a text",
      involving: "tokenizer")
  }
}

/// Images and labels in IDX files.
public struct ImageDataConfiguration: Configurable {
  public var train = "data/train-images-idx3-ubyte"
  public var trainLabels = "data/train-labels-idx1-ubyte"
  /// nil: nothing is held out, and nothing is evaluated.
  public var validation: String?
  public var validationLabels: String?
  /// nil: one more than the largest label learned from.
  public var classes: ClassNames?
  public var normalize = true
  public var folds = FoldConfiguration()
  public var augmentation = ImageAugmentation()

  public init() {}

  public static var fields: [Field<Self>] {
    [
      Field("train", \.train, .path, meaning: "IDX file of the images to learn from."),
      Field("train_labels", \.trainLabels, .path, meaning: "IDX file of their labels."),
      Field(
        "validation", \.validation, .ifPresent(.path), decidesResult: false,
        meaning: "IDX file of the images to evaluate on; `null` evaluates nothing."),
      Field(
        "validation_labels", \.validationLabels, .ifPresent(.path), decidesResult: false,
        meaning: "IDX file of their labels."),
      Field(
        "classes", \.classes, decidesResult: false,
        meaning:
          "How many classes there are, or their names in the order of their labels, from 0: a list, "
          + "or a file with a name on each line. Labels are below their number; `null` takes one more than the "
          + "largest label learned from."),
      Field(
        "normalize", \.normalize,
        meaning:
          "Whether pixels are brought to mean 0 and deviation 1 over all images learned from; if "
          + "not, they are divided by 255."),
      Field("folds", \.folds, meaning: "Holding out a part of the images learned from."),
      Field(
        "augmentation", \.augmentation,
        meaning: "How images are changed before each time that they are learned from."),
    ]
  }

  public func check(_ checks: inout SettingChecks) {
    checks.require(
      (validation == nil) == (validationLabels == nil), "validation_labels",
      validation == nil
        ? "null, because data.validation is null" : "a path, because data.validation is one",
      involving: "validation")
    checks.require(
      (classes?.count ?? 2) <= 256, "classes", "at most 256 classes, for labels are bytes")
    folds.check(&checks, validation: validation)
  }
}

/// A table of comma-separated values.
public struct TableDataConfiguration: Configurable {
  public var train = "data/train.csv"
  /// nil: nothing is held out, and nothing is evaluated.
  public var validation: String?
  public var target = "y"
  /// nil: what the target column calls them.
  public var classes: ClassNames?
  /// nil: all columns but the target.
  public var columns: [String]?
  public var normalize = true
  public var folds = FoldConfiguration()

  public init() {}

  public static var fields: [Field<Self>] {
    [
      Field("train", \.train, .path, meaning: "CSV file to learn from."),
      Field(
        "validation", \.validation, .ifPresent(.path), decidesResult: false,
        meaning:
          "CSV file to evaluate on; may be the same, for a fit; `null` evaluates nothing."),
      Field(
        "target", \.target, .notEmpty,
        meaning: "The column to predict: numbers for regression, anything for classification."),
      Field(
        "classes", \.classes, decidesResult: false,
        meaning:
          "Of a classification: the names of the classes where the target column has whole numbers, in "
          + "the order of these numbers: a list, or a file with a name on each line; or how many there must be. "
          + "`null` takes what the column has."),
      Field(
        "columns", \.columns, .ifPresent(.notEmptyList(each: .notEmpty)),
        meaning: "The columns to predict it from, all numbers; `null` takes all others."),
      Field(
        "normalize", \.normalize,
        meaning:
          "Whether each column is brought to mean 0 and deviation 1 over the rows learned from. The "
          + "target stays as it is."),
      Field("folds", \.folds, meaning: "Holding out a part of the rows learned from."),
    ]
  }

  public func check(_ checks: inout SettingChecks) {
    checks.require(
      !(columns ?? []).contains(target), "columns", "columns without the target (\(target))",
      involving: "target")
    checks.require(
      Set(columns ?? []).count == (columns ?? []).count, "columns", "each column once")
    folds.check(&checks, validation: validation)
  }
}

extension FoldConfiguration {
  /// What must hold between this section and the file to evaluate on, a key beside it.
  fileprivate func check(_ checks: inout SettingChecks, validation: String?) {
    checks.require(
      !isOn || validation == nil, "validation",
      "null, because data.folds.count is \(count) and the part held out is evaluated on",
      involving: "folds.count")
  }
}
