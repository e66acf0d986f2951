/// Byte-level byte-pair encoding, as in GPT-2.
///
/// Text is cut into words by GPT-2's pattern (`WordScanner`). Within a word the bytes are the
/// first tokens; as long as two neighbours can be merged, those whose merge was learnt first are,
/// the leftmost of equals first. Every string of bytes can be encoded.
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

  public let kind = TokenizerKind.bytePairEncoding
  public let vocabulary: Vocabulary
  public let contentHash: TokenizerHash
  public let matcher: AddedTokenMatcher

  /// The rules, in the order in which they were learnt and in which they are preferred.
  public let merges: [Merge]

  /// The id of each byte's token, [256].
  let byteTokens: [Int32]
  /// For each pair that merges: its rank in the high 32 bits, the resulting id in the low ones.
  let ranks: PairTable
  let classes: ScalarClasses

  /// - Parameters:
  ///   - vocabulary: All tokens.
  ///   - byteTokens: The id of each byte's token, [256].
  ///   - merges: The rules, the most preferred one first.
  init(vocabulary: Vocabulary, byteTokens: [Int32], merges: [Merge]) {
    precondition(byteTokens.count == 256)
    var ranks = PairTable(capacity: merges.count)
    for (rank, merge) in merges.enumerated() {
      ranks[PairTable.key(merge.left, merge.right)] =
        UInt64(rank) << 32 | UInt64(UInt32(bitPattern: merge.result))
    }
    self.vocabulary = vocabulary
    self.matcher = AddedTokenMatcher(vocabulary)
    self.byteTokens = byteTokens
    self.merges = merges
    self.ranks = ranks
    self.classes = ScalarClasses()
    self.contentHash = TokenizerHash(
      kind: .bytePairEncoding, vocabulary: vocabulary,
      rules: byteTokens + merges.flatMap { [$0.left, $0.right, $0.result] })
  }

  public func adding(special names: [String]) -> BytePairEncoding {
    BytePairEncoding(
      vocabulary: vocabulary.adding(special: names), byteTokens: byteTokens, merges: merges)
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
