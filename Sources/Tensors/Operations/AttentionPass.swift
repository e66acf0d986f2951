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
  private static let blockHeight = 32

  private var workspace: Workspace { queries.tensor.workspace }
  private var scale: Float { 1 / Float(queries.width).squareRoot() }
  private var queriesPerKey: Int { queries.count / keys.count }
  /// Scores of one query, rounded up so that each row starts a new group of the dropout's stream.
  private var scoreStride: Int { (keys.positions + 63) / 64 * 64 }

  /// A block of queries, and the keys that any of them sees.
  private struct Block {
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
  }

  /// The blocks of a sequence's queries.
  private func blocks(of sequence: Int) -> [Block] {
    stride(from: 0, to: queries.positions, by: Self.blockHeight).map { start in
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
  }

  /// Floats that the keys or values of a head take as a packed factor, read either way. Rounded up with
  /// the positions, so that a text that grows does not ask for other memory with each token.
  private var packedCount: Int {
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

  /// The rows' maxima and inverse sums, [2, B, H, T].
  func forward() -> Tensor {
    let rows = queries.sequences * queries.count * queries.positions
    let statistics = Tensor(uninitialized: [2, rows], in: workspace)
    let area = Self.blockHeight * scoreStride
    let packs = queries.positions > Self.fewQueries
    let scratchCount = area + (packs ? 2 * packedCount : 0)
    let scratch = Tensor(
      uninitialized: [workspace.threads.threadCount, scratchCount], in: workspace)
    let sequenceBlocks = (0..<queries.sequences).map { blocks(of: $0) }
    let products = workspace.products
    // Queries by keys, and probabilities by values; backward two for each, computed all or none.
    let multiplyAdds = 2 * seenPairs * queries.count * queries.width
    let isDifferentiated =
      workspace.isRecording
      && [queries, keys, values].contains { $0.tensor.requiresGradient }
    products.countAttention(
      multiplyAdds: multiplyAdds, backward: isDifferentiated ? 2 * multiplyAdds : 0)
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
        let row = task * queries.positions + block.start
        if block.keyCount == 0 {
          o.from(row: block.start).clear(rows: block.height, columns: queries.width)
          continue
        }
        let s = Matrix(scores, stride: scoreStride)
        k.multiply(
          from: q.from(row: block.start), into: s, rows: block.height,
          columns: block.columns, inner: queries.width)
        softmax(scores, block, sequence: sequence) { scores, height, columns, visible, line in
          CKernels_softmaxForward(
            scores, scale, height, columns, Int64(scoreStride), visible,
            Int64(block.visibleStep), statistics.pointer + row + line,
            statistics.pointer + rows + row + line)
        }
        drop(scores, into: scores, block, row: row)
        v.multiply(
          from: s, into: o.from(row: block.start), rows: block.height, columns: queries.width,
          inner: block.keyCount)
      }
    }
    return statistics
  }

  /// With P the probabilities, dP = dO Vᵀ and dS = P (dP - Σ P dP) / √K:
  /// dQ = dS K, dK = dSᵀ Q, dV = Pᵀ dO. The row sum Σ P dP equals Σ O dO.
  func backward(_ gradient: Tensor, statistics: Tensor) {
    let targets = AttentionGradients(queries: queries, keys: keys, values: values)
    let scoreCount = 3 * Self.blockHeight * scoreStride + (Self.blockHeight + 15) / 16 * 16
    let scratchCount = scoreCount + 3 * packedCount
    let scratch = Tensor(
      uninitialized: [workspace.threads.threadCount, scratchCount], in: workspace)
    let sequenceBlocks = (0..<queries.sequences).map { Array(blocks(of: $0).reversed()) }
    targets.withMemory { dq, dk, dv in
      // Query heads that share keys add to the same gradients: they belong to one task.
      workspace.threads.run(tasks: queries.sequences * keys.count) { task, worker in
        let (sequence, keyHead) = (task / keys.count, task % keys.count)
        let scores = scratch.pointer + worker * scratchCount
        let factors = Factors(
          keys: keys.matrix(sequence: sequence, head: keyHead),
          values: values.matrix(sequence: sequence, head: keyHead), positions: keys.positions,
          width: keys.width, memory: scores + scoreCount, packedCount: packedCount,
          products: workspace.products)
        for member in 0..<queriesPerKey {
          let head = keyHead * queriesPerKey + member
          let place = Place(sequence: sequence, head: head, keyHead: keyHead, isFirst: member == 0)
          for (index, block) in sequenceBlocks[sequence].enumerated() {
            backward(
              block, at: place, isFirstBlock: index == 0, gradient: gradient,
              statistics: statistics, factors: factors, scratch: scores, dq: dq, dk: dk, dv: dv)
          }
        }
      }
    }
  }

  /// The keys and values of one head, as the products of the backward pass read them.
  private struct Factors {
    let keys: PackedFactor
    let keysTransposed: PackedFactor
    let valuesTransposed: PackedFactor

    init(
      keys: Matrix, values: Matrix, positions: Int, width: Int,
      memory: UnsafeMutablePointer<Float>, packedCount: Int, products: Products
    ) {
      self.keys = PackedFactor(
        keys, inner: positions, columns: width, in: memory, for: products)
      keysTransposed = PackedFactor(
        keys.transposed, inner: width, columns: positions, in: memory + packedCount,
        for: products)
      valuesTransposed = PackedFactor(
        values.transposed, inner: width, columns: positions, in: memory + 2 * packedCount,
        for: products)
    }
  }

  /// Which head of which sequence; `isFirst` among those that share keys.
  private struct Place {
    let sequence: Int
    let head: Int
    let keyHead: Int
    let isFirst: Bool
  }

  private typealias Destination = AttentionGradients.Destination

  // Blocks come last first: the last one sees all keys, so it can overwrite what others add to. With
  // ranges no block may see all keys: there the memory is cleared first.
  private func backward(
    _ block: Block, at place: Place, isFirstBlock: Bool, gradient: Tensor, statistics: Tensor,
    factors: Factors, scratch: UnsafeMutablePointer<Float>, dq: Destination, dk: Destination,
    dv: Destination
  ) {
    let (sequence, head, width) = (place.sequence, place.head, queries.width)
    let rows = queries.sequences * queries.count * queries.positions
    let row = (sequence * queries.count + head) * queries.positions + block.start
    let area = Self.blockHeight * scoreStride
    let isFirst = isFirstBlock && place.isFirst
    let dK = keys.layout.matrix(dk.pointer, sequence: sequence, head: place.keyHead)
    let dV = values.layout.matrix(dv.pointer, sequence: sequence, head: place.keyHead)
    let dQ = queries.layout.matrix(dq.pointer, sequence: sequence, head: head)
      .from(row: block.start)
    if isFirst && hasRanges {
      if !dk.adds { dK.clear(rows: keys.positions, columns: width) }
      if !dv.adds { dV.clear(rows: keys.positions, columns: width) }
    }
    if block.keyCount == 0 {
      if !dq.adds { dQ.clear(rows: block.height, columns: width) }
      return
    }
    let (probabilities, dropped) = (scratch, scratch + area)
    let (scoreGradient, dot) = (scratch + 2 * area, scratch + 3 * area)
    let q = queries.matrix(sequence: sequence, head: head)
      .from(row: block.start)
    let o = outputs.matrix(sequence: sequence, head: head)
      .from(row: block.start)
    let dO = outputs.layout.matrix(gradient.pointer, sequence: sequence, head: head)
      .from(row: block.start)
    let p = Matrix(probabilities, stride: scoreStride)
    let ds = Matrix(scoreGradient, stride: scoreStride)
    factors.keysTransposed.multiply(
      from: q, into: p, rows: block.height, columns: block.columns, inner: width)
    softmax(probabilities, block, sequence: sequence) { scores, height, columns, visible, line in
      CKernels_softmaxAgain(
        scores, scale, height, columns, Int64(scoreStride), visible, Int64(block.visibleStep),
        statistics.pointer + row + line, statistics.pointer + rows + row + line)
    }
    let used = stream == nil ? probabilities : dropped
    drop(probabilities, into: used, block, row: row)
    let overwrites = isFirst && !hasRanges
    workspace.products.multiplyHere(
      Matrix(used, stride: scoreStride).transposed, dO, into: dV,
      rows: block.keyCount, columns: width, inner: block.height, adds: dv.adds || !overwrites)
    factors.valuesTransposed.multiply(
      from: dO, into: ds, rows: block.height, columns: block.columns, inner: width)
    drop(scoreGradient, into: scoreGradient, block, row: row)
    for line in 0..<block.height {
      dot[line] = CKernels_dot(
        o.pointer + line * o.stride, dO.pointer + line * dO.stride, Int64(width))
    }
    CKernels_softmaxBackward(
      probabilities, scoreGradient, dot, scale, Int64(block.height), Int64(block.keyCount),
      Int64(scoreStride))
    factors.keys.multiply(
      from: ds, into: dQ, rows: block.height, columns: width, inner: block.keyCount, adds: dq.adds)
    workspace.products.multiplyHere(
      ds.transposed, q, into: dK, rows: block.keyCount, columns: width, inner: block.height,
      adds: dk.adds || !overwrites)
  }

  private var hasRanges: Bool {
    if case .ranges = mask { true } else { false }
  }

  /// Hands a block's scores to a softmax: all rows at once, or each row's range by itself, all else
  /// being zero.
  ///
  /// - Parameter kernel: Takes scores, rows, columns, how many of them the first row sees, and which
  ///   row of the block that is.
  private func softmax(
    _ scores: UnsafeMutablePointer<Float>, _ block: Block, sequence: Int,
    _ kernel: (UnsafeMutablePointer<Float>, Int64, Int64, Int64, Int) -> Void
  ) {
    guard case .ranges(let ranges) = mask else {
      return kernel(scores, Int64(block.height), Int64(block.keyCount), Int64(block.visible), 0)
    }
    for line in 0..<block.height {
      let place = sequence * queries.positions + block.start + line
      let (lower, upper) = (Int(ranges.lower[place]), Int(ranges.upper[place]))
      let row = scores + line * scoreStride
      let first = lower == upper ? block.keyCount : lower
      row.update(repeating: 0, count: first)
      if lower < upper {
        kernel(row + lower, 1, Int64(block.keyCount - lower), Int64(upper - lower), line)
      }
    }
  }

  /// Masks a block of probabilities, or of their gradients, where dropout is on.
  private func drop(
    _ source: UnsafeMutablePointer<Float>, into destination: UnsafeMutablePointer<Float>,
    _ block: Block, row: Int
  ) {
    guard let stream else { return }
    var kernelStream = stream.kernelStream
    for line in 0..<block.height {
      CKernels_dropout(
        &kernelStream, dropout, Int64((row + line) * scoreStride), source + line * scoreStride,
        destination + line * scoreStride, Int64(block.keyCount), 0)
    }
  }
}
