import LockstepDatasets
import LockstepModels
import LockstepSettings

/// A `tokenizer_config.json` that says otherwise than the `tokenizer.json` beside it, of which Lockstep reads
/// the latter alone.
///
/// In `transformers` it depends on the class which of both counts. BERT's takes what is done to letters from
/// the configuration, GPT-2's, RoBERTa's, Qwen 2's and Llama's the space before a text; classes that stand for
/// any tokenizer take nothing. Tokens around an input follow `tokenizer.json` since version 5, and followed the
/// configuration for Llama before.
public struct TokenizerContradictionError: UserInputError, Equatable {
  /// The `tokenizer_config.json`.
  public let path: String
  /// One for each key.
  public let contradictions: [String]

  public var description: String {
    "\(path): \(contradictions.joined(separator: "; ")): transformers goes by the former, and Lockstep would "
      + "make other tokens of the same text. Make both say the same, for example with transformers: "
      + "AutoTokenizer.from_pretrained(DIR).save_pretrained(DIR)"
  }
}

/// Compares the keys of both files.
struct TokenizerContradictions {
  private static let ofLetters = ["do_lower_case", "strip_accents", "tokenize_chinese_chars"]
  private static let ofPrefix = "add_prefix_space"
  private static let ofTemplate = ["add_bos_token", "add_eos_token"]
  /// Classes for any tokenizer: they take nothing from the configuration.
  private static let general: Set = ["PreTrainedTokenizer", "TokenizersBackend"]
  private static let withPrefix: [TokenizerKind: Set<String>] = [
    .bytePairEncoding: ["GPT2Tokenizer", "RobertaTokenizer", "BartTokenizer", "Qwen2Tokenizer"],
    .sentencePiece: ["LlamaTokenizer"],
  ]

  /// Where `transformers` makes other tokens, one for each key.
  private(set) var errors: [String] = []
  /// Where some versions of it do, or others do.
  private(set) var notices: [String] = []

  /// - Parameters:
  ///   - members: Of `tokenizer_config.json`.
  ///   - tokenizer: Of the `tokenizer.json` beside it.
  init(of members: [String: JSONNode], _ tokenizer: any Tokenizer) {
    var name: String?
    if case .string(let found)? = members["tokenizer_class"] {
      name = found.hasSuffix("Fast") ? String(found.dropLast(4)) : found
    }
    let flags = tokenizer.flags
    func contradiction(_ key: String) -> String? {
      guard let own = flags[key], case .bool(let written)? = members[key], written != own else {
        return nil
      }
      return "\(key) is \(written), and \(own) in tokenizer.json"
    }
    if !Self.general.contains(name ?? "") { errors = Self.ofLetters.compactMap(contradiction) }
    if let name, Self.withPrefix[tokenizer.kind]?.contains(name) ?? false {
      errors += [contradiction(Self.ofPrefix)].compactMap(\.self)
    }
    if name == "LlamaTokenizer" {
      notices = Self.ofTemplate.compactMap(contradiction).map {
        $0 + ": the latter counts, as in transformers since version 5"
      }
    }
  }
}
