/// Byte-level byte-pair encoding, as in GPT-2, Llama 3, Qwen and SmolLM2.
///
/// Text is cut into words by a pattern (``SplitPattern``). Within a word the bytes are the
/// first tokens; as long as two neighbours can be merged, those whose merge was learnt first are,
/// the leftmost of equals first. Every string of bytes can be encoded, if every byte has a token.
///
/// Sources: Sennrich, Haddow and Birch, "Neural machine translation of rare words with subword
/// units", 2016; Radford et al., "Language models are unsupervised multitask learners", 2019.
public struct BytePairEncoding: Tokenizer {
  /// One rule: two neighbouring tokens become one.
  public struct Merge: Sendable, Equatable {
    /// The id of the left token.
    public var left: Int32
    /// The id of the right token.
    public var right: Int32
    /// The id of the token that has the bytes of both.
    public var result: Int32
  }

  /// What tells two encodings of the same tokens and merges apart.
  public struct Form: Sendable, Equatable {
    /// How text is cut into words. Default: GPT-2's pattern.
    public var pattern = SplitPattern.gpt2
    /// Whether a word that is a token is that token, whatever the merges say, as in Llama 3.
    public var ignoresMerges = false
    /// Whether a text that does not begin with a space gets one.
    public var addsPrefixSpace = false
    /// How text is changed before it is cut, as in Qwen 2. Default: not at all.
    public var normalizer = TextNormalizer()

    public init() {}
  }

  public let kind = TokenizerKind.bytePairEncoding
  public let vocabulary: Vocabulary
  public let contentHash: TokenizerHash
  public let matcher: AddedTokenMatcher
  public let template: TextTemplate

  /// How text is cut and changed.
  public let form: Form
  /// The rules, in the order in which they were learnt and in which they are preferred.
  public let merges: [Merge]

  /// The id of each byte's token, [256], or -1: SmolLM2 has none for bytes that texts do not have.
  let byteTokens: [Int32]
  /// For each pair that merges: its rank in the high 32 bits, the resulting id in the low ones.
  let ranks: PairTable
  let classes: ScalarClasses
  /// The words that are a token without regard to merges.
  let wholeWords: TokenTable?
  let lacksBytes: Bool

  /// - Parameters:
  ///   - vocabulary: All tokens.
  ///   - byteTokens: The id of each byte's token, [256], or -1.
  ///   - merges: The rules, the most preferred one first.
  ///   - form: How text is cut and changed. Default: as in GPT-2.
  ///   - template: What stands around a text that is a model's input. Default: nothing.
  init(
    vocabulary: Vocabulary, byteTokens: [Int32], merges: [Merge], form: Form = Form(),
    template: TextTemplate = TextTemplate()
  ) {
    precondition(byteTokens.count == 256)
    self.vocabulary = vocabulary
    self.matcher = AddedTokenMatcher(vocabulary, normalizer: form.normalizer)
    self.byteTokens = byteTokens
    self.merges = merges
    self.ranks = PairTable(merges)
    self.classes = ScalarClasses()
    lacksBytes = byteTokens.contains(-1)
    self.form = form
    self.template = template
    wholeWords =
      form.ignoresMerges ? TokenTable(vocabulary.modelTokens, of: vocabulary) : nil
    self.contentHash = TokenizerHash(
      kind: .bytePairEncoding, vocabulary: vocabulary,
      rules: byteTokens + merges.flatMap { [$0.left, $0.right, $0.result] } + form.rules
        + (form.ignoresMerges ? vocabulary.outsideModel.sorted() : []))
  }

  public var normalizer: TextNormalizer { form.normalizer }
  public var keepsText: Bool { form.normalizer.isEmpty && !form.addsPrefixSpace }
  public var places: CuttingPlaces { matcher.places(of: form.pattern.places) }

  public func adding(special names: [String]) -> BytePairEncoding {
    BytePairEncoding(
      vocabulary: vocabulary.adding(special: names), byteTokens: byteTokens, merges: merges,
      form: form, template: template)
  }

  /// Learns a byte-pair encoding from text held in memory.
  ///
  /// - Parameters:
  ///   - text: The text to learn from.
  ///   - vocabularyCount: Number of tokens wanted, at least 257. A short text gives fewer.
  ///   - minimumFrequency: A pair seen less often in all of the text is not merged. Default: 2.
  /// - Throws: `TokenizerError` if `vocabularyCount` is below 257.
  public static func trained(
    on text: String, vocabularyCount: Int, minimumFrequency: Int = 2
  ) throws(TokenizerError) -> BytePairEncoding {
    var words = WordCounts()
    // The counts refer to the text's bytes, so they are used up inside.
    var text = text
    let result = text.withUTF8 { bytes in
      Result { () throws(TokenizerError) in
        words.add(UnsafeRawBufferPointer(bytes))
        var trainer = try BytePairTrainer(
          words: words, vocabularyCount: vocabularyCount, minimumFrequency: minimumFrequency)
        return trainer.train()
      }
    }
    return try result.get()
  }
}

extension BytePairEncoding.Form {
  /// Numbers for all that tells the form from GPT-2's, which has none.
  fileprivate var rules: [Int32] {
    self == Self()
      ? []
      : "\(pattern) \(ignoresMerges) \(addsPrefixSpace) \(normalizer.json)".utf8.map(Int32.init)
  }
}

extension PairTable {
  /// For each pair that merges: its rank in the high 32 bits, the resulting id in the low ones.
  init(_ merges: [BytePairEncoding.Merge]) {
    self.init(capacity: merges.count)
    for (rank, merge) in merges.enumerated() {
      self[Self.key(merge.left, merge.right)] =
        UInt64(rank) << 32 | UInt64(UInt32(bitPattern: merge.result))
    }
  }
}
