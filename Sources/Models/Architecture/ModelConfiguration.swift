import LockstepSettings
import LockstepTensors

/// The `model` section: an architecture, and the keys of that architecture.
public struct ModelConfiguration: Configurable {
  /// All that there are, in the order in which they are documented.
  public static let architectures: [any Architecture.Type] = [
    GPTConfiguration.self,
    LlamaConfiguration.self,
    Qwen2Configuration.self,
    Qwen3Configuration.self,
    BERTConfiguration.self,
    TransformerConfiguration.self,
    LinearConfiguration.self,
    SineConfiguration.self,
    MLPConfiguration.self,
    VisionTransformerConfiguration.self,
  ]

  private var choice = ArchitectureChoice(GPTConfiguration())
  /// Where the weights are that the network begins with; nil: it begins with random numbers.
  public var from: String?
  /// How what an adapter leaves as it is is kept in memory.
  public var weights = FrozenWeights.float32

  public init() {}

  public init(_ architecture: some Architecture) {
    choice = ArchitectureChoice(architecture)
  }

  public var architecture: any Architecture {
    get { choice.architecture }
    set { choice = ArchitectureChoice(newValue) }
  }

  public var kind: ModelKind { role.kind }
  /// The architecture as one that makes models of its kind.
  public var role: ArchitectureRole { architecture.role }
  /// T, the longest sequence in tokens; 1 where a sample is no sequence.
  public var context: Int { architecture.context }
  /// V where the section names it; nil: the tokenizer's.
  public var vocabulary: Int? { architecture.vocabulary }
  /// One line for people: "gpt, 4 layers, 4 heads, width 256, context 128".
  public var summary: String { architecture.summary }

  public static var fields: [Field<Self>] {
    [
      Field(
        "from", \.from, .ifPresent(.path),
        meaning:
          "The weights that the network begins with: a run, a checkpoint, or a directory as "
          + "`transformers` saves it. The other keys of this section follow from it and can be left "
          + "out; `context` may be smaller, and `dropout` and `recompute` are free. `null` begins with "
          + "random numbers."),
      Field(
        "weights", \.weights,
        meaning:
          "How an adapter's run keeps the matrices of `from`, which it does not change: rounded once to "
          + "this, and everything computes with what they are then. Vectors stay in single precision."
      ),
      Field("architecture", choosing: \.choice, meaning: "The kind of network."),
    ]
  }
}

/// One of the architectures.
private struct ArchitectureChoice: SettingVariants {
  let architecture: any Architecture

  init(_ architecture: any Architecture) {
    self.architecture = architecture
  }

  static var variants: [Variant<Self>] { ModelConfiguration.architectures.map { variant($0) } }

  private static func variant<Chosen: Architecture>(_ type: Chosen.Type) -> Variant<Self> {
    let extract = { (choice: Self) in choice.architecture as? Chosen }
    return Variant(type.name, type.documentation, { (chosen: Chosen) in Self(chosen) }, extract)
  }

  static func == (one: Self, other: Self) -> Bool {
    one.architecture.isEqual(to: other.architecture)
  }
}

extension ModelConfiguration {
  /// The language model that this section describes, its parameters not yet bound; nil where it
  /// describes a model of another kind.
  ///
  /// - Parameter vocabularyCount: V, where the section does not name one itself.
  public func languageModel(vocabularyCount: Int) -> (any LanguageModel)? {
    guard case .language(let architecture) = role else { return nil }
    return architecture.model(vocabularyCount: vocabularyCount)
  }

  /// The masked language model that this section describes, its parameters not yet bound; nil where
  /// it describes a model of another kind.
  ///
  /// - Parameter vocabularyCount: V, where the section does not name one itself.
  public func maskedLanguageModel(vocabularyCount: Int) -> (any MaskedLanguageModel)? {
    guard case .maskedLanguage(let architecture) = role else { return nil }
    return architecture.model(vocabularyCount: vocabularyCount)
  }

  /// The model of pairs that this section describes, its parameters not yet bound; nil where it
  /// describes a model of another kind.
  ///
  /// - Parameter vocabularyCount: V, where the section does not name one itself.
  public func sequenceToSequenceModel(
    vocabularyCount: Int
  ) -> (any SequenceToSequenceModel)? {
    guard case .sequenceToSequence(let architecture) = role else { return nil }
    return architecture.model(vocabularyCount: vocabularyCount)
  }

  /// The predictor that this section describes, its parameters not yet bound; nil where it describes
  /// a model of another kind.
  ///
  /// - Parameters:
  ///   - sampleShape: [H, W] of an image, [F] of a table's row.
  ///   - outputs: C, numbers to be given for each sample.
  /// - Throws: `SampleShapeError` where the architecture can not take such samples.
  public func predictor(
    sampleShape: Shape, outputs: Int
  ) throws(SampleShapeError) -> (any Predictor)? {
    guard case .prediction(let architecture) = role else { return nil }
    return try architecture.model(sampleShape: sampleShape, outputs: outputs)
  }
}
