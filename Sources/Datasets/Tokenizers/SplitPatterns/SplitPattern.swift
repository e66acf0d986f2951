/// How a byte-level encoding cuts text into words: the patterns in use. Others are refused by name.
public enum SplitPattern: String, Sendable, CaseIterable {
  /// GPT-2's pattern; also of RoBERTa, OLMo and GPT-NeoX. See `WordScanner`.
  case gpt2
  /// Numbers one by one, and GPT-2's pattern between them: SmolLM2, StarCoder. See `DigitScanner`.
  case digits
  /// Llama 3's, with numbers of up to three digits: that of `cl100k_base`. See `LetterScanner`.
  case llama3
  /// Qwen 2's and Qwen 3's: as Llama 3's with single digits.
  case qwen2

  /// The expression of a `Split` in a `tokenizer.json`, of those that have one.
  var expression: String? {
    switch self {
    case .gpt2:
      #"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"#
    case .digits: nil
    case .llama3: Self.lettersFirst(numbers: #"\p{N}{1,3}"#)
    case .qwen2: Self.lettersFirst(numbers: #"\p{N}"#)
    }
  }

  private static func lettersFirst(numbers: String) -> String {
    #"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|"# + numbers
      + #"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"#
  }

  /// The names that llama.cpp has for it in a GGUF file, the one to write first.
  var ggufNames: [String] {
    switch self {
    case .gpt2: ["gpt-2", "phi-2"]
    case .digits: ["smollm", "starcoder"]
    case .llama3: ["llama-bpe", "llama3", "llama-v3"]
    case .qwen2: ["qwen2"]
    }
  }

  /// Where a text may be cut, so that the words of the parts are the words of the whole.
  var places: CuttingPlaces {
    switch self {
    case .gpt2, .digits: [.spaces, .lineFeeds]
    case .llama3, .qwen2: .spaces
    }
  }
}

/// Before what a text may be cut where it follows a printing ASCII character, and be encoded in parts.
public struct CuttingPlaces: OptionSet, Sendable {
  public let rawValue: Int

  public init(rawValue: Int) { self.rawValue = rawValue }

  public static let spaces = CuttingPlaces(rawValue: 1)
  public static let lineFeeds = CuttingPlaces(rawValue: 2)
}
