import LockstepSettings

/// Which tokens of a conversation the loss counts.
public enum LearnedTokens: String, SettingChoice {
  case completions
  case all

  public var documentation: String {
    switch self {
    case .completions: "The answers, each with the token that ends it."
    case .all: "All tokens of a conversation."
    }
  }
}

/// Batches of conversations, to learn from and to be evaluated on.
///
/// Conversations are packed into sequences once (`ConversationRows`); an epoch is a pseudo-random
/// permutation of these sequences. The batch of a (step, micro-batch) depends on the files, the shapes
/// and the seed alone, and is found in O(1). A token sees its own conversation only, and positions
/// count from the conversation's beginning. To be evaluated on, a batch has no more sequences and positions
/// than its conversations need, about: the loss has the same bits.
public struct ConversationLoader: SampledBatches, HeldOutBatches {
  public let file: ConversationFile
  /// B.
  public let sequences: Int
  /// M, micro-batches in an optimiser step, over all ranks.
  public let microbatches: Int
  private let rows: ConversationRows
  private let learned: LearnedTokens
  private let seed: UInt64

  /// - Parameters:
  ///   - sequences: B.
  ///   - context: T, at least one less than the tokens of the longest conversation.
  ///   - learned: Which tokens are targets.
  ///   - microbatches: M. Default: 1.
  ///   - seed: Decides the order. Default: 0.
  /// - Throws: `ConversationError.longerThanContext` or `.holdsPreferences`.
  public init(
    _ file: ConversationFile, sequences: Int, context: Int, learned: LearnedTokens,
    microbatches: Int = 1, seed: UInt64 = 0
  ) throws(ConversationError) {
    precondition(
      sequences > 0 && context > 0 && microbatches > 0,
      "a batch has at least one sequence of one token, and a step one micro-batch")
    guard !file.holdsPreferences else { throw .holdsPreferences(path: file.tokens.path) }
    (self.file, self.sequences, self.microbatches) = (file, sequences, microbatches)
    (self.learned, self.seed) = (learned, seed)
    rows = try ConversationRows(file, context: context)
  }

  public var context: Int { rows.context }

  /// Sequences in an epoch.
  public var rowCount: Int { rows.count }

  /// The share of positions that some token takes.
  public var filledShare: Double {
    Double(file.tokens.count - file.count) / Double(max(1, rows.count * context))
  }

  /// A batch of the right shape, [B, T], to be filled.
  public func emptyBatch() -> TokenBatch {
    TokenBatch(sequenceCount: sequences, positionCount: context)
  }

  public func fill(_ batch: inout TokenBatch, step: Int, microbatch: Int) {
    precondition(step >= 0 && microbatch >= 0 && microbatch < microbatches)
    for sequence in 0..<sequences {
      let index = sampleIndex(step: step, microbatch: microbatch, sequence: sequence)
      let (epoch, place) = index.quotientAndRemainder(dividingBy: rows.count)
      let key = DrawPurpose.conversations.key(seed: seed, number: UInt64(epoch))
      fill(&batch, sequence, row: IndexPermutation(count: rows.count, key: key)[place])
    }
  }

  /// The conversations, each a sequence of its own.
  public var sampleCount: Int { file.count }

  public func fill(_ batch: inout TokenBatch, samples: ArraySlice<Int>) {
    let longest = samples.reduce(1) { max($0, file.range(of: $1).count - 1) }
    batch.resize(
      sequences: samples.count,
      positions: halved(context, whileAtLeast: max(longest, Self.fewestPositions)))
    for (sequence, sample) in samples.enumerated() {
      batch.begin(sequence: sequence)
      batch.add(
        file.range(of: sample), of: file, sequence: sequence, at: 0, learnsAll: learned == .all)
    }
  }

  /// Batches of an evaluation, in order.
  public var count: Int { (rows.count + sequences - 1) / sequences }

  public func fill(_ batch: inout TokenBatch, at index: Int) {
    precondition(index >= 0 && index < count)
    let some = index * sequences..<min(rows.count, (index + 1) * sequences)
    let shape = shape(of: some)
    if shape != (batch.sequenceCount, batch.positionCount) {
      batch = TokenBatch(sequenceCount: shape.sequences, positionCount: shape.positions)
    }
    for sequence in 0..<shape.sequences {
      let row = some.lowerBound + sequence
      fill(&batch, sequence, row: row < some.upperBound ? row : nil)
    }
  }

  /// What some rows need of B and T: half of it, a quarter and so on, so that there are few shapes. A model
  /// with a long context would compute far more positions than a small data set has.
  private func shape(of some: Range<Int>) -> (sequences: Int, positions: Int) {
    let longest = some.reduce(1) { longest, row in
      max(longest, rows.conversations(of: row).reduce(0) { $0 + file.range(of: Int($1)).count - 1 })
    }
    return (
      halved(sequences, whileAtLeast: some.count),
      halved(context, whileAtLeast: max(longest, Self.fewestPositions))
    )
  }

  private static let fewestPositions = 64

  private func halved(_ number: Int, whileAtLeast least: Int) -> Int {
    var number = number
    while number > 1 && (number + 1) / 2 >= least { number = (number + 1) / 2 }
    return number
  }

  private func fill(_ batch: inout TokenBatch, _ sequence: Int, row: Int?) {
    batch.begin(sequence: sequence)
    var position = 0
    for conversation in row.map(rows.conversations) ?? [] {
      let range = file.range(of: Int(conversation))
      batch.add(range, of: file, sequence: sequence, at: position, learnsAll: learned == .all)
      position += range.count - 1
    }
  }
}
