/// The keys and values of positions that were already computed, for generation token by token.
public final class AttentionCache {
  /// Keys in the first `columns` columns, values in the others: [B, capacity, 2 · columns].
  private var memory: Tensor
  private let columns: Int
  /// How many positions are filled.
  public private(set) var positions = 0

  /// - Parameters:
  ///   - sequences: B.
  ///   - capacity: How many positions fit.
  ///   - columns: The columns of the keys, and of the values: heads · K.
  public init(sequences: Int, capacity: Int, columns: Int, in workspace: Workspace) {
    memory = Tensor(uninitialized: [sequences, capacity, 2 * columns], in: workspace)
    self.columns = columns
  }

  /// Adds new positions and returns all of them, old and new.
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
          let row = sequence * capacity + positions + position
          (memory.pointer + row * 2 * columns + part * columns).update(
            from: source.pointer + position * source.stride, count: columns)
        }
      }
    }
    positions += keys.positions
    return (
      Heads(memory, offset: 0, count: keys.count, width: keys.width, positions: positions),
      Heads(memory, offset: columns, count: keys.count, width: keys.width, positions: positions)
    )
  }

  /// Sequence s goes on from what sequence `sequences[s]` was; there may be fewer than before.
  public func select(_ sequences: [Int]) {
    let (capacity, width) = (memory.shape[1], memory.shape[2])
    let selected = Tensor(
      uninitialized: [sequences.count, capacity, width], in: memory.workspace)
    for (place, sequence) in sequences.enumerated() {
      precondition(
        memory.shape[0] > sequence, "sequence \(sequence) is not in a cache of \(memory.shape[0])")
      (selected.pointer + place * capacity * width).update(
        from: memory.pointer + sequence * capacity * width, count: positions * width)
    }
    memory = selected
  }

  /// Forgets everything but the first `count` positions.
  public func truncate(to count: Int) {
    precondition(count <= positions)
    positions = count
  }
}
