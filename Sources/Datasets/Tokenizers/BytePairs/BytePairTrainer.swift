import HeapModule

/// Learns merges: again and again the most frequent pair of neighbouring tokens becomes a token.
///
/// Of equally frequent pairs the one with the smaller ids is merged first, left id before right id.
/// That is the order of Hugging Face's `BpeTrainer` with the initial alphabet of `ByteLevel`: both
/// learn the same merges from the same text. Pair counts are kept up to date by visiting only the
/// words in which the merged pair occurs, so the time is near linear in the distinct words' length.
struct BytePairTrainer {
  /// The fewest tokens there can be: one for each byte and `<|endoftext|>`.
  static let minimumVocabularyCount = 257

  private let minimumFrequency: Int
  private let mergeGoal: Int

  private var vocabulary = Vocabulary()
  private var byteTokens = [Int32](repeating: 0, count: 256)
  private var idsByBytes: [[UInt8]: Int32] = [:]
  private var merges: [BytePairEncoding.Merge] = []

  /// The tokens of all words, one word after the other; a word that shrinks leaves a gap.
  private var tokens: [Int32] = []
  private var words: [Word] = []
  /// How often each pair occurs in the text, as two's complement.
  private var pairCounts = PairTable()
  private var queue = Heap<Candidate>()
  /// The words in which the pair of a queued candidate occurs.
  private var places: [[Int32]] = []

  private struct Word {
    var start: Int
    var count: Int
    var occurrences: Int
  }

  /// A pair in the queue. The most frequent is the largest, of equals the one with smaller ids.
  private struct Candidate: Comparable {
    var occurrences: Int
    var pair: UInt64
    var place: Int

    static func < (left: Candidate, right: Candidate) -> Bool {
      left.occurrences != right.occurrences
        ? left.occurrences < right.occurrences : left.pair > right.pair
    }
  }

  /// - Parameters:
  ///   - words: The words of the text; the text must outlive the trainer.
  ///   - vocabularyCount: Number of tokens wanted, with bytes and `<|endoftext|>`.
  ///   - minimumFrequency: A pair seen less often in the text is not merged.
  /// - Throws: `TokenizerError` if `vocabularyCount` is below ``minimumVocabularyCount``.
  init(
    words counts: WordCounts, vocabularyCount: Int, minimumFrequency: Int
  ) throws(TokenizerError) {
    guard vocabularyCount >= Self.minimumVocabularyCount else {
      throw .vocabularyTooSmall(
        requested: vocabularyCount, minimum: Self.minimumVocabularyCount)
    }
    self.minimumFrequency = max(1, minimumFrequency)
    mergeGoal = vocabularyCount - 1
    for byte in ByteAlphabet().bytesInOrder {
      byteTokens[Int(byte)] = vocabulary.append([byte])
      idsByBytes[[byte]] = byteTokens[Int(byte)]
    }
    for word in counts.words where word.count > 1 {
      words.append(Word(start: tokens.count, count: word.count, occurrences: word.occurrences))
      for index in 0..<word.count { tokens.append(byteTokens[Int(word.start[index])]) }
    }
  }

  /// Learns until the vocabulary is full or no pair is frequent enough.
  ///
  /// - Parameter progress: Called now and then with the tokens there are and the tokens wanted.
  mutating func train(progress: (Int, Int) -> Void = { _, _ in }) -> BytePairEncoding {
    queueAllPairs()
    while vocabulary.count < mergeGoal, var best = queue.popMax() {
      let occurrences = Int(bitPattern: UInt(pairCounts[best.pair]))
      if best.occurrences != occurrences {
        // Merges since it was queued have broken up some of its occurrences.
        best.occurrences = occurrences
        queue.insert(best)
        continue
      }
      if occurrences < minimumFrequency { break }
      learn(best)
      if merges.count % 256 == 0 { progress(vocabulary.count, mergeGoal) }
    }
    vocabulary.appendSpecial(Vocabulary.endOfTextName)
    return BytePairEncoding(
      vocabulary: vocabulary, byteTokens: byteTokens, merges: withoutRepetitions(merges))
  }

  private mutating func queueAllPairs() {
    var found = FoundPairs()
    for (index, word) in words.enumerated() {
      for position in word.start..<(word.start + word.count - 1) {
        let pair = PairTable.key(tokens[position], tokens[position + 1])
        pairCounts[pair] &+= UInt64(word.occurrences)
        found.note(pair, in: Int32(index))
      }
    }
    enqueue(found)
  }

  private mutating func enqueue(_ found: FoundPairs) {
    for (pair, foundWords) in zip(found.pairs, found.words) {
      let occurrences = Int(bitPattern: UInt(pairCounts[pair]))
      if occurrences <= 0 { continue }
      queue.insert(Candidate(occurrences: occurrences, pair: pair, place: places.count))
      places.append(foundWords)
    }
  }

  /// Adds the token of a pair and merges the pair in every word it was found in.
  private mutating func learn(_ candidate: Candidate) {
    let (left, right) = PairTable.pair(candidate.pair)
    let bytes = Array(vocabulary.bytes(of: left)) + vocabulary.bytes(of: right)
    // Two merges can give the same bytes: aa+a and a+aa. They share one token.
    let result = idsByBytes[bytes] ?? vocabulary.append(bytes)
    idsByBytes[bytes] = result
    merges.append(BytePairEncoding.Merge(left: left, right: right, result: result))
    var found = FoundPairs()
    for word in places[candidate.place] {
      merge(left, right, into: result, in: Int(word), found: &found)
    }
    places[candidate.place] = []
    enqueue(found)
  }

  /// Merges a pair in one word, from left to right, and counts what its neighbours lose and gain.
  private mutating func merge(
    _ left: Int32, _ right: Int32, into result: Int32, in index: Int, found: inout FoundPairs
  ) {
    let word = words[index]
    let occurrences = UInt64(word.occurrences)
    let end = word.start + word.count
    var read = word.start
    var write = word.start
    while read < end {
      guard read + 1 < end, tokens[read] == left, tokens[read + 1] == right else {
        tokens[write] = tokens[read]
        read += 1
        write += 1
        continue
      }
      if write > word.start {
        pairCounts[PairTable.key(tokens[write - 1], left)] &-= occurrences
        gain(PairTable.key(tokens[write - 1], result))
      }
      tokens[write] = result
      read += 2
      write += 1
      if read < end {
        pairCounts[PairTable.key(right, tokens[read])] &-= occurrences
        gain(PairTable.key(result, tokens[read]))
      }
    }
    words[index].count = write - word.start

    func gain(_ pair: UInt64) {
      pairCounts[pair] &+= occurrences
      found.note(pair, in: Int32(index))
    }
  }

  /// A pair can be merged twice, when its token arose in two ways. Its last rank counts, as in
  /// Hugging Face's trainer.
  private func withoutRepetitions(
    _ merges: [BytePairEncoding.Merge]
  ) -> [BytePairEncoding.Merge] {
    var seen = PairTable(capacity: merges.count)
    var kept: [BytePairEncoding.Merge] = []
    for merge in merges.reversed() {
      let pair = PairTable.key(merge.left, merge.right)
      if seen.value(pair) != nil { continue }
      seen[pair] = 1
      kept.append(merge)
    }
    return kept.reversed()
  }
}

/// Pairs met while looking through words, each with its words in the order they were looked at.
private struct FoundPairs {
  private(set) var pairs: [UInt64] = []
  private(set) var words: [[Int32]] = []
  private var indices = PairTable()

  mutating func note(_ pair: UInt64, in word: Int32) {
    if let index = indices.value(pair) {
      if words[Int(index)].last != word { words[Int(index)].append(word) }
    } else {
      indices[pair] = UInt64(pairs.count)
      pairs.append(pair)
      words.append([word])
    }
  }
}
