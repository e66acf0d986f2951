/// The keys and values of positions that were already computed, for generation token by token.
public final class AttentionCache {
  /// Keys in the first `columns` columns, values in the others: [B, capacity, 2 · columns].
  private var memory: Tensor
  private let columns: Int
  /// How many positions of each sequence are filled, [B].
  public private(set) var filled: [Int]

  /// - Parameters:
  ///   - sequences: B.
  ///   - capacity: How many positions fit.
  ///   - columns: The columns of the keys, and of the values: heads · K.
  public init(sequences: Int, capacity: Int, columns: Int, in workspace: Workspace) {
    memory = Tensor(uninitialized: [sequences, capacity, 2 * columns], in: workspace)
    self.columns = columns
    filled = [Int](repeating: 0, count: sequences)
  }

  /// How many positions of the longest sequence are filled.
  public var positions: Int { filled.max() ?? 0 }

  /// Whether all sequences have as many positions.
  public var isEven: Bool { filled.allSatisfy { $0 == filled[0] } }

  /// What new positions see: their own sequence up to themselves.
  ///
  /// - Parameter count: New positions of each sequence, t, which are yet to be added.
  public func ranges(of count: Int) -> AttentionMask {
    let upper = filled.flatMap { start in (0..<count).map { Int32(start + $0 + 1) } }
    return .ranges(KeyRanges(lower: [Int32](repeating: 0, count: upper.count), upper: upper))
  }

  /// Adds new positions and returns all of them, old and new; of a sequence that has fewer than the
  /// longest, what is behind its own means nothing.
  ///
  /// - Parameters:
  ///   - keys: Heads over [B, t, ...].
  ///   - values: Heads over [B, t, ...].
  public func append(keys: Heads, values: Heads) -> (keys: Heads, values: Heads) {
    let (sequences, capacity) = (memory.shape[0], memory.shape[1])
    precondition(keys.count * keys.width == columns && keys.sequences == sequences)
    precondition(
      positions + keys.positions <= capacity,
      "\(positions + keys.positions) positions do not fit a cache of \(capacity)")
    for (part, heads) in [keys, values].enumerated() {
      for sequence in 0..<sequences {
        let source = heads.matrix(sequence: sequence, head: 0)
        for position in 0..<heads.positions {
          let row = sequence * capacity + filled[sequence] + position
          (memory.pointer + row * 2 * columns + part * columns).update(
            from: source.pointer + position * source.stride, count: columns)
        }
      }
    }
    for sequence in 0..<sequences { filled[sequence] += keys.positions }
    for sequence in 0..<sequences { clearBehind(sequence) }
    return (
      Heads(memory, offset: 0, count: keys.count, width: keys.width, positions: positions),
      Heads(memory, offset: columns, count: keys.count, width: keys.width, positions: positions)
    )
  }

  /// Zeros behind a sequence's own positions: products of blocks multiply what is there by zero, which must be
  /// a number.
  private func clearBehind(_ sequence: Int) {
    let row = sequence * memory.shape[1] + filled[sequence]
    (memory.pointer + row * memory.shape[2]).update(
      repeating: 0, count: (positions - filled[sequence]) * memory.shape[2])
  }

  /// Sequence s goes on from what sequence `sequences[s]` was; there may be fewer than before, or more.
  public func select(_ sequences: [Int]) {
    let count = memory.shape[0]
    precondition(
      sequences.allSatisfy { 0..<count ~= $0 }, "sequences \(sequences) of a cache of \(count)")
    let shape: Shape = [sequences.count, memory.shape[1], memory.shape[2]]
    if sequences.count > count {
      let selected = Tensor(uninitialized: shape, in: memory.workspace)
      copy(sequences.enumerated().map { ($1, $0) }, from: memory, to: selected)
      memory = selected
      filled = sequences.map { filled[$0] }
      return
    }
    // Most sequences stay where they are. Of those that move, the ones that another one overwrites
    // step aside first.
    let moves = sequences.enumerated().filter { $0 != $1 }.map { (from: $1, to: $0) }
    let overwritten = Set(moves.map(\.to)).intersection(moves.map(\.from)).sorted()
    // Of the cache's own size, whatever steps aside: the same memory each time.
    let aside = Tensor(uninitialized: memory.shape, in: memory.workspace)
    copy(overwritten.enumerated().map { ($1, $0) }, from: memory, to: aside)
    let places = Dictionary(uniqueKeysWithValues: overwritten.enumerated().map { ($1, $0) })
    copy(moves.filter { places[$0.from] == nil }, from: memory, to: memory)
    copy(
      moves.compactMap { move in places[move.from].map { ($0, move.to) } }, from: aside, to: memory)
    memory = Tensor(shape: shape, workspace: memory.workspace, buffer: memory.buffer)
    filled = sequences.map { filled[$0] }
  }

  /// Copies what is filled of some sequences.
  private func copy(_ moves: [(from: Int, to: Int)], from source: Tensor, to target: Tensor) {
    let (stride, count) = (memory.shape[1] * memory.shape[2], positions * memory.shape[2])
    memory.workspace.threads.run(tasks: moves.count) { task in
      (target.pointer + moves[task].to * stride).update(
        from: source.pointer + moves[task].from * stride, count: count)
    }
  }

  /// Forgets everything but the first `count` positions, which each sequence has.
  public func truncate(to count: Int) {
    truncate(to: [Int](repeating: count, count: filled.count))
  }

  /// Forgets everything but the first positions of each sequence.
  ///
  /// - Parameter counts: How many are left of each, [B].
  public func truncate(to counts: [Int]) {
    precondition(
      counts.count == filled.count && zip(counts, filled).allSatisfy { 0...$1 ~= $0 },
      "a cache of \(filled) positions can not be cut to \(counts)")
    filled = counts
  }
}
