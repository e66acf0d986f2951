import CLockstepKernels

/// Attention of given queries, keys and values, forward and backward, one (sequence, head) a task.
///
/// It holds a tensor of the result's elements that is not part of the graph, so that the graph does
/// not refer to itself.
struct AttentionPass {
  let queries: Heads
  let keys: Heads
  let values: Heads
  let mask: AttentionMask
  let dropout: Float
  let stream: RandomStream?
  let outputs: Heads

  /// Queries in a block: its scores stay in the first caches, and little of the masked half is computed.
  static let blockHeight = 32

  var workspace: Workspace { queries.tensor.workspace }
  var scale: Float { 1 / Float(queries.width).squareRoot() }
  var queriesPerKey: Int { queries.count / keys.count }
  /// Scores of one query, rounded up so that each row starts a new group of the dropout's stream.
  var scoreStride: Int { (keys.positions + 63) / 64 * 64 }
  /// From one row of a block's scores to the next: a cache line more, so that rows of whole pages do not drive
  /// each other out of the first-level cache.
  var scratchStride: Int { scoreStride + 16 }

  /// A block of queries, and the keys that any of them sees.
  struct Block {
    let start: Int
    let height: Int
    /// Keys that the last query of the block sees.
    let keyCount: Int
    /// As many, rounded up to what a packed factor can be cut at.
    let columns: Int
    /// Keys that the first query sees, and how many more each later one does; means nothing where
    /// the mask has ranges.
    let visible: Int
    let visibleStep: Int
    /// How many probabilities the blocks before it have, where they are kept.
    var keptOffset = 0
  }

  /// What the backward pass has from the forward pass.
  struct Kept {
    /// The rows' maxima and inverse sums, [2, B, H, T].
    let statistics: Tensor
    /// Of each head the blocks' probabilities, [B · H, elements]; nil: they are computed again.
    let probabilities: SpareElements?

    /// The probabilities of a block, [height, keys].
    ///
    /// - Parameter head: Among those of all sequences.
    func probabilities(of block: Block, head: Int) -> Matrix? {
      (probabilities?.tensor).map {
        Matrix($0.pointer + head * $0.shape.last + block.keptOffset, stride: block.columns)
      }
    }
  }

  /// The blocks of each sequence's queries.
  func sequenceBlocks() -> [[Block]] { (0..<queries.sequences).map(blocks) }

  private func blocks(of sequence: Int) -> [Block] {
    var keptOffset = 0
    return stride(from: 0, to: queries.positions, by: Self.blockHeight).map { start in
      var block = block(of: sequence, from: start)
      block.keptOffset = keptOffset
      keptOffset += block.height * block.columns
      return block
    }
  }

  private func block(of sequence: Int, from start: Int) -> Block {
    let height = min(Self.blockHeight, queries.positions - start)
    switch mask {
    case .full:
      return Block(
        start: start, height: height, keyCount: keys.positions, columns: keys.positions,
        visible: keys.positions, visibleStep: 0)
    case .causal:
      let first = start + keys.positions - queries.positions + 1
      let keyCount = first + height - 1
      return Block(
        start: start, height: height, keyCount: keyCount,
        columns: min(keys.positions, (keyCount + 31) / 32 * 32), visible: first, visibleStep: 1)
    case .ranges(let ranges):
      let row = sequence * queries.positions + start
      let keyCount = Int(ranges.upper[row..<row + height].max() ?? 0)
      return Block(
        start: start, height: height, keyCount: keyCount,
        columns: min(keys.positions, (keyCount + 31) / 32 * 32), visible: keyCount,
        visibleStep: 0)
    }
  }

  /// The first row of a block among those of all heads, [B, H, T].
  func row(of block: Block, head: Int) -> Int { head * queries.positions + block.start }

  /// Floats that the keys or values of a head take as a packed factor, read either way. Rounded up with
  /// the positions, so that a text that grows does not ask for other memory with each token.
  var packedCount: Int {
    max(
      PackedFactor.count(workspace.products.format, inner: scoreStride, columns: keys.width),
      PackedFactor.count(workspace.products.format, inner: keys.width, columns: scoreStride))
  }

  /// The keys or values of a head as a right factor: packed, unless there are so few queries that packing
  /// would be most of the work.
  private struct HeadFactor {
    private let products: Products
    private let matrix: Matrix
    private let packed: PackedFactor?

    init(
      _ matrix: Matrix, inner: Int, columns: Int, memory: UnsafeMutablePointer<Float>?,
      for products: Products
    ) {
      self.products = products
      self.matrix = matrix
      packed = memory.map {
        PackedFactor(matrix, inner: inner, columns: columns, in: $0, for: products)
      }
    }

    /// C = A B; see `PackedFactor.multiply`.
    func multiply(from a: Matrix, into c: Matrix, rows: Int, columns: Int, inner: Int) {
      if let packed {
        packed.multiply(from: a, into: c, rows: rows, columns: columns, inner: inner)
      } else {
        products.multiplyHere(
          a, matrix, into: c, rows: rows, columns: columns, inner: inner)
      }
    }
  }

  /// Pairs of a query and a key that it sees, of all sequences, for one head.
  private var seenPairs: Int {
    let (sequences, queries, keys) = (queries.sequences, queries.positions, keys.positions)
    switch mask {
    case .full: return sequences * queries * keys
    // The last query sees all keys, each one before it one less.
    case .causal: return sequences * queries * (2 * keys - queries + 1) / 2
    case .ranges(let ranges):
      return zip(ranges.lower, ranges.upper).reduce(0) { $0 + Int($1.1 - $1.0) }
    }
  }

  /// At most so many queries read keys and values where they lie.
  private static let fewQueries = 4

  /// Memory for the probabilities of all heads, if there is some to spare, none is dropped, and batches have the
  /// same shape: with many, buffers of yet other sizes would keep the pool growing.
  private func keptProbabilities(_ blocks: [[Block]]) -> SpareElements? {
    let largest = blocks.lazy.compactMap { $0.last.map { $0.keptOffset + $0.height * $0.columns } }
      .max()
    guard stream == nil, !workspace.savesMemory, !workspace.pool.sharesSizes, let largest
    else { return nil }
    return workspace.spare.elements([queries.sequences * queries.count, largest], in: workspace)
  }

  /// Writes the outputs.
  func forward() -> Kept {
    let rows = queries.sequences * queries.count * queries.positions
    let area = Self.blockHeight * scratchStride
    let packs = queries.positions > Self.fewQueries
    let scratchCount = area + (packs ? 2 * packedCount : 0)
    let scratch = Tensor(
      uninitialized: [workspace.threads.threadCount, scratchCount], in: workspace)
    let sequenceBlocks = sequenceBlocks()
    let products = workspace.products
    // Queries by keys, and probabilities by values; backward two for each, computed all or none.
    let multiplyAdds = 2 * seenPairs * queries.count * queries.width
    let isDifferentiated =
      workspace.isRecording
      && [queries, keys, values].contains { $0.tensor.requiresGradient }
    products.countAttention(
      multiplyAdds: multiplyAdds, backward: isDifferentiated ? 2 * multiplyAdds : 0)
    let kept = Kept(
      statistics: Tensor(uninitialized: [2, rows], in: workspace),
      probabilities: isDifferentiated ? keptProbabilities(sequenceBlocks) : nil)
    workspace.threads.run(tasks: queries.sequences * queries.count) { task, worker in
      let (sequence, head) = (task / queries.count, task % queries.count)
      let scores = scratch.pointer + worker * scratchCount
      let q = queries.matrix(sequence: sequence, head: head)
      let k = HeadFactor(
        keys.matrix(sequence: sequence, head: head / queriesPerKey).transposed,
        inner: keys.width, columns: keys.positions, memory: packs ? scores + area : nil,
        for: products)
      let v = HeadFactor(
        values.matrix(sequence: sequence, head: head / queriesPerKey),
        inner: keys.positions, columns: keys.width,
        memory: packs ? scores + area + packedCount : nil, for: products)
      let o = outputs.matrix(sequence: sequence, head: head)
      for block in sequenceBlocks[sequence] {
        let row = self.row(of: block, head: task)
        if block.keyCount == 0 {
          o.from(row: block.start).clear(rows: block.height, columns: queries.width)
          continue
        }
        let s =
          kept.probabilities(of: block, head: task) ?? Matrix(scores, stride: scratchStride)
        k.multiply(
          from: q.from(row: block.start), into: s, rows: block.height,
          columns: block.columns, inner: queries.width)
        softmax(s, block, sequence: sequence) { scores, height, columns, visible, line in
          CKernels_softmaxForward(
            scores, scale, height, columns, Int64(s.stride), visible,
            Int64(block.visibleStep), kept.statistics.pointer + row + line,
            kept.statistics.pointer + rows + row + line)
        }
        drop(s, into: s, block, row: row)
        v.multiply(
          from: s, into: o.from(row: block.start), rows: block.height, columns: queries.width,
          inner: block.keyCount)
      }
    }
    return kept
  }

  var hasRanges: Bool {
    if case .ranges = mask { true } else { false }
  }

  /// Hands a block's scores to a softmax: all rows at once, or each row's range by itself, all else
  /// being zero.
  ///
  /// - Parameter kernel: Takes scores, rows, columns, how many of them the first row sees, and which
  ///   row of the block that is.
  func softmax(
    _ scores: Matrix, _ block: Block, sequence: Int,
    _ kernel: (UnsafeMutablePointer<Float>, Int64, Int64, Int64, Int) -> Void
  ) {
    guard case .ranges(let ranges) = mask else {
      return kernel(
        scores.pointer, Int64(block.height), Int64(block.keyCount), Int64(block.visible), 0)
    }
    for line in 0..<block.height {
      let query = sequence * queries.positions + block.start + line
      let (lower, upper) = (Int(ranges.lower[query]), Int(ranges.upper[query]))
      let row = scores.pointer + line * scores.stride
      let first = lower == upper ? block.keyCount : lower
      row.update(repeating: 0, count: first)
      if lower < upper {
        kernel(row + lower, 1, Int64(block.keyCount - lower), Int64(upper - lower), line)
      }
    }
  }

  /// Masks a block of probabilities, or of their gradients, where dropout is on.
  func drop(
    _ source: Matrix, into destination: Matrix, _ block: Block, row: Int
  ) {
    guard let stream else { return }
    var kernelStream = stream.kernelStream
    for line in 0..<block.height {
      CKernels_dropout(
        &kernelStream, dropout, Int64((row + line) * scoreStride),
        source.pointer + line * source.stride, destination.pointer + line * destination.stride,
        Int64(block.keyCount), 0)
    }
  }
}
