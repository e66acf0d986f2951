import LockstepSettings
import LockstepTensors

/// The shape of a BERT encoder: learned positions, every position sees every other, a norm behind each
/// part of a block (Devlin et al., "BERT", 2019).
public struct BERTConfiguration: TransformerArchitecture, TokenArchitecture,
  MaskedLanguageArchitecture, EncoderArchitecture
{
  public static let name = "bert"
  public static let documentation =
    "BERT's encoder: every position sees every other; learned positions, post-norm, GELU, tied head."

  public var layers = 4
  public var heads = 4
  public var width = 256
  /// F; nil: 4 D.
  public var feedForward: Int?
  public var context = 128
  public var activation = ActivationName.gelu
  public var normEpsilon = 1e-12
  /// Rows of the embedding of token types, of which the first is added everywhere.
  public var tokenTypes = 1
  /// Whether there is a head that fills in hidden tokens.
  public var head = true
  public var dropout = 0.0
  public var recompute = false
  public var vocabulary: Int?

  public init() {}

  /// F, whether or not the section names it.
  public var feedForwardWidth: Int { feedForward ?? 4 * width }

  public static var fields: [Field<Self>] {
    [
      .layers, .heads, .width(),
      Field(
        "feed_forward", \.feedForward, .ifPresent(.within(1...1_048_576)),
        meaning: "Width inside the feed-forward part; `null` takes 4 times `width`."),
      .context,
      Field(
        "activation", \.activation, meaning: "Inside the feed-forward part, and in the head."),
      Field("norm_epsilon", \.normEpsilon, .above(0), meaning: "Added to the variance in norms."),
      Field(
        "token_types", \.tokenTypes, .within(1...1024),
        meaning:
          "Rows of the embedding of token types, of which the first is added to every token; models "
          + "that were trained on pairs of texts have 2."),
      Field(
        "head", \.head,
        meaning:
          "Whether it has the head that fills in hidden tokens; without one it is an encoder, as those "
          + "that turn texts into vectors are."),
      .dropout, .recompute,
      .vocabulary(
        atLeast: 2,
        meaning:
          "Rows of the token embedding; `null` takes the tokenizer's count and one for the mask. More "
          + "rows than tokens is padding. Without a tokenizer the last row is the mask's."),
    ]
  }

  public func check(_ checks: inout SettingChecks) { checkHeads(&checks) }

  public var summary: String {
    oneLine(["context \(context)"] + (head ? [] : ["without a head"]))
  }

  public var role: ArchitectureRole { head ? .maskedLanguage(self) : .encoder(self) }

  public func keptElementCount(sequences: Int, of shape: Shape) -> Double {
    keptElementCount(
      rows: Double(sequences) * Double(shape.count), layers: layers, queries: width,
      keyValues: width, hidden: feedForwardWidth)
  }

  public func model(vocabularyCount: Int) -> any MaskedLanguageModel {
    BERT(self, vocabularyCount: vocabulary ?? vocabularyCount)
  }

  public func encoder(vocabularyCount: Int) -> any TextEncoder {
    BERTEncoder(self, vocabularyCount: vocabulary ?? vocabularyCount)
  }
}
