/// What prepared conversations hold and what they were made from: `dataset.json`.
public struct ConversationManifest: PreparedManifest {
  /// How conversations became tokens.
  public struct Rendering: Sendable, Codable, Equatable {
    /// The template's file, or the name of a built-in one.
    public var template: String
    /// SHA-256 of its text, in hexadecimal.
    public var templateSHA256: String
    /// `bos_token` and `eos_token`; nil: not defined.
    public var beginOfText: String?
    public var endOfText: String?
    /// Further special tokens that the template names; nil: none.
    public var otherTokens: [String: String]?
    /// What the template took for today; nil: it did not ask.
    public var date: String?
    public var answers: ConversationEncoder.Answers
    /// The context that conversations were to fit; nil: none was given.
    public var context: Int?
    public var tooLong: ConversationPreparation.TooLong
    /// Whether answers were chosen and rejected; nil: there is one answer to each prompt.
    public var preferences: Bool?

    enum CodingKeys: String, CodingKey {
      case template, date, answers, context, preferences
      case templateSHA256 = "template_sha256"
      case beginOfText = "bos_token"
      case endOfText = "eos_token"
      case otherTokens = "other_tokens"
      case tooLong = "too_long"
    }
  }

  /// The conversations to learn from, or those held out.
  public struct Part: Sendable, Codable, Equatable {
    /// Of a preference that with the chosen answer, and that with the rejected one.
    public var conversations = 0
    public var tokens = 0
    /// Tokens of answers.
    public var learned = 0
    /// Conversations whose end was cut off; of preferences pairs with such a one.
    public var cut = 0
    /// Conversations, or pairs, that were left out.
    public var dropped = 0
    /// Answers whose first token begins before them.
    public var joined = 0
    /// Answers that do not end with a special token; nil: it was not counted.
    public var endless: Int?
    /// SHA-256 of both files, in hexadecimal.
    public var sha256 = ""
    public var maskSHA256 = ""

    enum CodingKeys: String, CodingKey {
      case conversations, tokens, learned, cut, dropped, joined, endless, sha256
      case maskSHA256 = "mask_sha256"
    }
  }

  public var request: DatasetManifest.Request
  public var rendering: Rendering
  public var inputs: [DatasetManifest.Input]
  /// How many of these, the last ones, are held out as a whole; nil: a fraction of all is.
  public var heldOutInputs: Int?
  /// Lines that have each key which was passed over.
  public var otherKeys: [String: Int]
  public var tokenizer: DatasetManifest.TokenizerRecord
  public var train: Part
  public var validation: Part?

  enum CodingKeys: String, CodingKey {
    case request, rendering, inputs, tokenizer, train, validation
    case heldOutInputs = "held_out_inputs"
    case otherKeys = "other_keys"
  }

  public var tokenFiles: [(name: String, sha256: String)] {
    var files: [(name: String, sha256: String)] = []
    for case (let name, let part?) in [
      (DatasetFiles.trainName, train), (DatasetFiles.validationName, validation),
    ] {
      files.append((name, part.sha256))
      files.append((ConversationFile.maskPath(of: name), part.maskSHA256))
    }
    return files
  }
}
