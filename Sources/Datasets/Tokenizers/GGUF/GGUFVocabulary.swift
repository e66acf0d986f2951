/// A tokenizer as the metadata of a GGUF file has it, `tokenizer.ggml.*`: plain values, which the code that reads
/// or writes such files has.
///
/// ``tokenizer(path:)`` makes a tokenizer of it, ``init(of:)`` is the way back. What the format does not say
/// is taken as llama.cpp takes it, and where that is not known, refused.
///
/// Source: `gguf.md` of the ggml project; `llama-vocab.cpp` of llama.cpp for what stands for a missing value.
public struct GGUFVocabulary: Sendable, Equatable {
  /// What a token is: `tokenizer.ggml.token_type`.
  public enum Kind: Int, Sendable {
    case normal = 1
    case unknown = 2
    /// A name that stands for no text.
    case control = 3
    /// A token that the tokenizer's makers added, and that is text.
    case userDefined = 4
    case unused = 5
    /// A byte, "<0x0A>".
    case byte = 6
  }

  /// `model`: "gpt2", byte-level byte-pair encoding; "llama", SentencePiece's; "bert", WordPiece.
  public var model: String
  /// `pre`: how "gpt2" cuts text, as "smollm", "llama-bpe", "qwen2", "gpt-2".
  public var preTokenizer: String?
  /// `tokens`: by id, as they are written.
  public var tokens: [[UInt8]]
  /// `token_type`: one for each token (``Kind``); none: all are normal.
  public var kinds: [Int] = []
  /// `scores`: one for each token, the greater the sooner it is merged; of "llama".
  public var scores: [Float] = []
  /// `merges`: two tokens with a space between, the most preferred first; of "gpt2".
  public var merges: [[UInt8]] = []
  /// `bos_token_id`.
  public var beginOfText: Int32?
  /// `eos_token_id`.
  public var endOfText: Int32?
  /// `unknown_token_id`.
  public var unknown: Int32?
  /// `seperator_token_id`, as the format spells it.
  public var separator: Int32?
  /// `cls_token_id`.
  public var classification: Int32?
  /// `padding_token_id`.
  public var padding: Int32?
  /// `mask_token_id`.
  public var mask: Int32?
  /// `add_bos_token`: whether an input begins with ``beginOfText``, of "bert" with ``classification``.
  public var addsBeginOfText: Bool?
  /// `add_eos_token`: whether an input ends with ``endOfText``.
  public var addsEndOfText: Bool?
  /// `add_sep_token`: whether an input ends with ``separator``; of "bert".
  public var addsSeparator: Bool?
  /// `add_space_prefix`: whether a text gets a space before it.
  public var addsSpacePrefix: Bool?
  /// `normalizer.lowercase`: whether capitals become small letters; of "bert".
  public var lowercases: Bool?
  /// `normalizer.strip_accents`: whether accents go; of "bert". Nil: where capitals do.
  public var stripsAccents: Bool?

  public init(model: String, preTokenizer: String? = nil, tokens: [[UInt8]]) {
    self.model = model
    self.preTokenizer = preTokenizer
    self.tokens = tokens
  }

  /// What is missing, by the names of the keys in the file.
  static func unsupported(
    _ key: String, _ found: String, expected: String, path: String
  ) -> TokenizerError {
    .unsupported(path: path, key: "tokenizer.ggml." + key, found: found, expected: expected)
  }
}
