/// Batches of preferences, to learn from and to be evaluated on.
///
/// Both sides of a preference are in the same micro-batch. Chosen sides are packed into a sequence, and
/// the rejected sides of the same preferences into the next one, in the same order; a preference takes
/// as much room as its longer side (`ConversationRows`). An epoch is a pseudo-random permutation of
/// these pairs of sequences. The batch of a (step, micro-batch) depends on the file, the shapes and the
/// seed alone, and is found in O(1).
public struct PreferenceLoader: Sendable {
  public let file: ConversationFile
  /// B, an even number.
  public let sequences: Int
  /// M, micro-batches in an optimiser step, over all ranks.
  public let microbatches: Int
  private let rows: ConversationRows
  private let seed: UInt64

  /// - Parameters:
  ///   - file: Holds preferences.
  ///   - sequences: B, an even number.
  ///   - context: T, at least one less than the tokens of the longest side.
  ///   - microbatches: M. Default: 1.
  ///   - seed: Decides the order. Default: 0.
  /// - Throws: `ConversationError.holdsNoPreferences` or `.longerThanContext`.
  public init(
    _ file: ConversationFile, sequences: Int, context: Int, microbatches: Int = 1,
    seed: UInt64 = 0
  ) throws(ConversationError) {
    precondition(sequences > 0 && sequences % 2 == 0, "a preference takes two sequences")
    precondition(context > 0 && microbatches > 0)
    guard file.holdsPreferences else {
      throw .holdsNoPreferences(path: file.tokens.path)
    }
    guard file.longest <= context + 1 else {
      throw .longerThanContext(path: file.tokens.path, tokens: file.longest, context: context)
    }
    (self.file, self.sequences, self.microbatches) = (file, sequences, microbatches)
    self.seed = seed
    rows = ConversationRows(
      lengths: (0..<file.count / 2).map { preference in
        max(
          1, file.range(of: 2 * preference).count - 1, file.range(of: 2 * preference + 1).count - 1)
      }, context: context)
  }

  /// T.
  public var context: Int { rows.context }

  /// Preferences in the file.
  public var preferenceCount: Int { file.count / 2 }

  /// Pairs of sequences in an epoch.
  public var rowCount: Int { rows.count }

  /// A batch of the right shape, [B, T], to be filled.
  public func emptyBatch() -> PreferenceBatch {
    PreferenceBatch(tokens: TokenBatch(sequenceCount: sequences, positionCount: context))
  }

  /// Fills a batch to learn from.
  ///
  /// - Parameters:
  ///   - step: The optimiser step, from zero.
  ///   - microbatch: In 0 ..< M, over all ranks.
  public func fill(_ batch: inout PreferenceBatch, step: Int, microbatch: Int) {
    precondition(step >= 0 && microbatch >= 0 && microbatch < microbatches)
    batch.pairs.removeAll(keepingCapacity: true)
    for sequence in 0..<sequences / 2 {
      let index = WindowSampler.sampleIndex(
        step: step, microbatch: microbatch, sequence: sequence, microbatches: microbatches,
        sequences: sequences / 2)
      let (epoch, place) = index.quotientAndRemainder(dividingBy: rows.count)
      let key = DrawPurpose.conversations.key(seed: seed, number: UInt64(epoch))
      fill(&batch, sequence, row: IndexPermutation(count: rows.count, key: key)[place])
    }
  }

  /// Batches of an evaluation.
  public var count: Int { (2 * rows.count + sequences - 1) / sequences }

  /// Fills a batch to be evaluated on, in the order of the file.
  ///
  /// - Parameter index: In 0 ..< count.
  public func fill(_ batch: inout PreferenceBatch, at index: Int) {
    precondition(index >= 0 && index < count)
    batch.pairs.removeAll(keepingCapacity: true)
    for sequence in 0..<sequences / 2 {
      let row = index * (sequences / 2) + sequence
      fill(&batch, sequence, row: row < rows.count ? row : nil)
    }
  }

  /// Fills two sequences with the preferences of a pair of sequences; nil: with none.
  private func fill(_ batch: inout PreferenceBatch, _ sequence: Int, row: Int?) {
    batch.tokens.begin(sequence: 2 * sequence)
    batch.tokens.begin(sequence: 2 * sequence + 1)
    var position = 0
    for preference in row.map(rows.conversations) ?? [] {
      let ranges = [2 * Int(preference), 2 * Int(preference) + 1].map(file.range)
      let sides = ranges.enumerated().map { side, range in
        let start = (2 * sequence + side) * context + position
        batch.tokens.add(
          range, of: file, sequence: 2 * sequence + side, at: position, learnsAll: false)
        return start..<start + max(0, range.count - 1)
      }
      batch.pairs.append(PreferenceBatch.Pair(chosen: sides[0], rejected: sides[1]))
      position += max(1, sides[0].count, sides[1].count)
    }
  }
}
