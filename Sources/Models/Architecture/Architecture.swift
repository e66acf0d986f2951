// V vocabulary, C outputs.

import LockstepSettings
import LockstepTensors

/// A kind of network: the keys of its configuration, how it is built from them, and how Hugging Face's
/// `transformers` writes it. All that is known of an architecture lies in its folder; besides there is
/// its line in `ModelConfiguration.architectures`.
///
/// What an architecture conforms to is one of the protocols below, which say what kind of model it
/// makes.
public protocol Architecture: Configurable, Sendable {
  /// The word that chooses it: `gpt`.
  static var name: String { get }
  /// What choosing it means, in one sentence.
  static var documentation: String { get }
  /// What its models map to what.
  static var kind: ModelKind { get }

  /// This architecture as one that makes models of its kind.
  var role: ArchitectureRole { get }
  /// T, the longest sequence in tokens. Default: 1, a sample is no sequence.
  var context: Int { get }
  /// V, where the configuration names it. Default: nil, the tokenizer's.
  var vocabulary: Int? { get }
  /// One line for people: "gpt, 4 layers, 4 heads, width 256, context 128".
  var summary: String { get }

  /// Floats that the forward pass of a micro-batch leaves in memory for its backward pass, about and
  /// rather too few: a run that needs more memory than there is is refused by it. Default: 0, not known.
  ///
  /// - Parameters:
  ///   - sequences: B, sequences or samples.
  ///   - shape: Of one: [T] of a text, [H, W] of an image, [F] of a table's row.
  func keptElementCount(sequences: Int, of shape: Shape) -> Double

  /// How `transformers` writes such a network. Default: nil, it has none.
  static var huggingFace: HuggingFaceFormat<Self>? { get }
  /// Networks of other names in `transformers` that are computed alike; only read. Default: none.
  static var furtherHuggingFace: [HuggingFaceFormat<Self>] { get }
  /// How llama.cpp's files, GGUF, have such a network. Default: nil, they do not.
  static var gguf: GGUFFormat<Self>? { get }
}

extension Architecture {
  public var context: Int { 1 }
  public var vocabulary: Int? { nil }
  public var summary: String { Self.name }
  public static var huggingFace: HuggingFaceFormat<Self>? { nil }
  public static var furtherHuggingFace: [HuggingFaceFormat<Self>] { [] }
  public static var gguf: GGUFFormat<Self>? { nil }
  public func keptElementCount(sequences: Int, of shape: Shape) -> Double { 0 }

  /// Whether another architecture is the same one, configured alike.
  func isEqual(to other: any Architecture) -> Bool {
    (other as? Self).map { $0 == self } ?? false
  }
}

/// An architecture of `LanguageModel`s.
public protocol LanguageArchitecture: Architecture {
  /// A model whose parameters are not yet bound.
  ///
  /// - Parameter vocabularyCount: V, where the configuration does not name one itself.
  func model(vocabularyCount: Int) -> any LanguageModel
}

/// An architecture of `MaskedLanguageModel`s.
public protocol MaskedLanguageArchitecture: Architecture {
  /// As of `LanguageArchitecture`.
  func model(vocabularyCount: Int) -> any MaskedLanguageModel
}

/// An architecture of `TextEncoder`s.
public protocol EncoderArchitecture: Architecture {
  /// As of `LanguageArchitecture`.
  func encoder(vocabularyCount: Int) -> any TextEncoder
}

/// An architecture of `SequenceToSequenceModel`s.
public protocol SequenceToSequenceArchitecture: Architecture {
  /// As of `LanguageArchitecture`.
  func model(vocabularyCount: Int) -> any SequenceToSequenceModel
}

/// An architecture of `Predictor`s.
public protocol PredictorArchitecture: Architecture {
  /// A model whose parameters are not yet bound.
  ///
  /// - Parameters:
  ///   - sampleShape: [H, W] of an image, [F] of a table's row.
  ///   - outputs: C, numbers to be given for each sample.
  /// - Throws: `SampleShapeError` where the architecture can not take such samples.
  func model(sampleShape: Shape, outputs: Int) throws(SampleShapeError) -> any Predictor
}

extension LanguageArchitecture {
  public static var kind: ModelKind { .language }
  public var role: ArchitectureRole { .language(self) }
}

extension MaskedLanguageArchitecture {
  public static var kind: ModelKind { .maskedLanguage }
  public var role: ArchitectureRole { .maskedLanguage(self) }
}

extension SequenceToSequenceArchitecture {
  public static var kind: ModelKind { .sequenceToSequence }
  public var role: ArchitectureRole { .sequenceToSequence(self) }
}

extension PredictorArchitecture {
  public static var kind: ModelKind { .prediction }
  public var role: ArchitectureRole { .prediction(self) }
}

/// An architecture by what its models map to what.
public enum ArchitectureRole: Sendable {
  case language(any LanguageArchitecture)
  case maskedLanguage(any MaskedLanguageArchitecture)
  case encoder(any EncoderArchitecture)
  case sequenceToSequence(any SequenceToSequenceArchitecture)
  case prediction(any PredictorArchitecture)

  public var kind: ModelKind {
    switch self {
    case .language: .language
    case .maskedLanguage: .maskedLanguage
    case .encoder: .encoder
    case .sequenceToSequence: .sequenceToSequence
    case .prediction: .prediction
    }
  }
}
