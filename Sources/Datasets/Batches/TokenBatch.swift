/// The tokens of one micro-batch and what a language model should predict from them.
///
/// Made once and filled again for every micro-batch. B sequences, T positions.
public struct TokenBatch: Sendable, Equatable {
  /// The target of a position that does not count.
  public static let ignoredTarget: Int32 = -1

  /// Number of sequences, B.
  public let sequenceCount: Int
  /// Number of positions of a sequence, T.
  public let positionCount: Int
  /// The tokens read, [B, T].
  public var inputs: [Int32]
  /// The token that follows each input, or ``ignoredTarget``, [B, T].
  public var targets: [Int32]
  /// Where the document of each input begins in its sequence, [B, T]; empty where each sequence is
  /// read as one text.
  public private(set) var documentStarts: [Int32] = []

  /// A batch of zeros, all targets ignored.
  ///
  /// - Parameters:
  ///   - sequenceCount: Number of sequences, B.
  ///   - positionCount: Number of positions of a sequence, T.
  public init(sequenceCount: Int, positionCount: Int) {
    precondition(sequenceCount > 0 && positionCount > 0)
    self.sequenceCount = sequenceCount
    self.positionCount = positionCount
    inputs = [Int32](repeating: 0, count: sequenceCount * positionCount)
    targets = [Int32](repeating: Self.ignoredTarget, count: sequenceCount * positionCount)
  }

  /// Makes it a batch of another shape, where it has not this one.
  ///
  /// - Parameters:
  ///   - sequences: B.
  ///   - positions: T.
  mutating func resize(sequences: Int, positions: Int) {
    guard (sequences, positions) != (sequenceCount, positionCount) else { return }
    self = TokenBatch(sequenceCount: sequences, positionCount: positions)
  }

  /// Several batches as one, as long as the longest: what is behind a shorter one does not count.
  ///
  /// - Parameter batches: At least one.
  init(joining batches: [TokenBatch]) {
    let positions = batches.reduce(1) { max($0, $1.positionCount) }
    self.init(
      sequenceCount: batches.reduce(0) { $0 + $1.sequenceCount }, positionCount: positions)
    let isMarked = batches.contains { !$0.documentStarts.isEmpty }
    var sequence = 0
    for batch in batches {
      for row in 0..<batch.sequenceCount {
        if isMarked { begin(sequence: sequence) }
        for position in 0..<batch.positionCount {
          let (from, to) = (
            row * batch.positionCount + position, sequence * positions + position
          )
          inputs[to] = batch.inputs[from]
          targets[to] = batch.targets[from]
          if isMarked {
            documentStarts[to] = batch.documentStarts.isEmpty ? 0 : batch.documentStarts[from]
          }
        }
        sequence += 1
      }
    }
  }

  /// Writes a piece of text over what the first sequence reads and predicts.
  ///
  /// - Parameters:
  ///   - tokens: Take no more room than there is.
  ///   - place: Of the first one among the T + 1 tokens of the sequence.
  mutating func replace(with tokens: [Int32], at place: Int) {
    precondition(place >= 0 && place + tokens.count <= positionCount + 1)
    for (offset, token) in tokens.enumerated() {
      if place + offset < positionCount { inputs[place + offset] = token }
      if place + offset > 0 { targets[place + offset - 1] = token }
    }
  }

  /// Number of targets that count: what a summed loss is divided by.
  public var targetCount: Int {
    targets.reduce(0) { $0 + ($1 == Self.ignoredTarget ? 0 : 1) }
  }

  /// Number of bytes of text that the targets stand for: what bits are divided by.
  ///
  /// - Parameter byteCounts: ``Vocabulary/byteCounts`` of the tokenizer, [V].
  public func targetByteCount(_ byteCounts: [Int32]) -> Int {
    targets.reduce(0) { $0 + ($1 == Self.ignoredTarget ? 0 : Int(byteCounts[Int($1)])) }
  }

  /// Finds where documents begin: with a sequence, and at each separator, which is the first token
  /// of the document that it opens. So every target is predicted from its own document: the
  /// separator as the end of the document before it, the first token of a text from the separator.
  ///
  /// - Parameter separator: The token between documents.
  mutating func markDocuments(separator: Int32) {
    if documentStarts.isEmpty { documentStarts = [Int32](repeating: 0, count: inputs.count) }
    for sequence in 0..<sequenceCount {
      var start: Int32 = 0
      for position in 0..<positionCount {
        let place = sequence * positionCount + position
        if inputs[place] == separator { start = Int32(position) }
        documentStarts[place] = start
      }
    }
  }

  /// Makes a sequence empty: each position reads token 0, by itself, and does not count.
  mutating func begin(sequence: Int) {
    precondition(sequence >= 0 && sequence < sequenceCount)
    if documentStarts.isEmpty { documentStarts = [Int32](repeating: 0, count: inputs.count) }
    for position in 0..<positionCount {
      let place = sequence * positionCount + position
      inputs[place] = 0
      targets[place] = Self.ignoredTarget
      documentStarts[place] = Int32(position)
    }
  }

  /// Adds a conversation of n tokens to a sequence: n - 1 inputs, each predicting the next token.
  ///
  /// - Parameters:
  ///   - range: Where its tokens are in the file.
  ///   - sequence: Which one, in 0 ..< B; begun.
  ///   - position: Where its first token goes.
  ///   - learnsAll: Whether all tokens count, or only those that the file marks as learned.
  mutating func add(
    _ range: Range<Int>, of file: ConversationFile, sequence: Int, at position: Int,
    learnsAll: Bool
  ) {
    let count = range.count - 1
    guard count > 0 else { return }
    precondition(position >= 0 && position + count <= positionCount)
    let first = sequence * positionCount + position
    func part(_ elements: UnsafeMutableBufferPointer<Int32>) -> UnsafeMutableBufferPointer<Int32> {
      UnsafeMutableBufferPointer(rebasing: elements[first..<first + count])
    }
    inputs.withUnsafeMutableBufferPointer {
      file.tokens.copyTokens(range.dropLast(), into: part($0))
    }
    targets.withUnsafeMutableBufferPointer {
      file.tokens.copyTokens(range.dropFirst(), into: part($0))
    }
    // Marks take the place of starts until they have been read.
    documentStarts.withUnsafeMutableBufferPointer {
      file.marks.copyTokens(range.dropFirst(), into: part($0))
    }
    for place in first..<first + count {
      let isLearned = learnsAll || documentStarts[place] & ConversationFile.Mark.learned != 0
      if !isLearned { targets[place] = Self.ignoredTarget }
      documentStarts[place] = Int32(position)
    }
  }

  /// Fills one sequence from a file: position t reads token start + t and predicts the next.
  ///
  /// - Parameters:
  ///   - sequence: Which one, in 0 ..< B.
  ///   - file: Where the tokens are.
  ///   - start: The file's position of the first input.
  ///   - count: Number of targets, at most T; the positions after them read token 0 and do not
  ///     count.
  ///   - context: How many of the first targets do not count: they are there to be read only.
  ///     Default: 0.
  mutating func fill(
    sequence: Int, from file: TokenFile, start: Int, count: Int, context: Int = 0
  ) {
    precondition(sequence >= 0 && sequence < sequenceCount && count >= 0 && count <= positionCount)
    let row = (sequence * positionCount)..<((sequence + 1) * positionCount)
    inputs.withUnsafeMutableBufferPointer { inputs in
      let inputs = UnsafeMutableBufferPointer(rebasing: inputs[row])
      if count > 0 { file.copyTokens(start..<(start + count), into: inputs) }
      for position in count..<positionCount { inputs[position] = 0 }
    }
    targets.withUnsafeMutableBufferPointer { targets in
      let targets = UnsafeMutableBufferPointer(rebasing: targets[row])
      if count > 0 { file.copyTokens((start + 1)..<(start + 1 + count), into: targets) }
      for position in count..<positionCount { targets[position] = Self.ignoredTarget }
      for position in 0..<min(context, count) { targets[position] = Self.ignoredTarget }
    }
  }
}
