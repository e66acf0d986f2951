import CLockstepKernels

extension AttentionPass {
  /// With P the probabilities, dP = dO Vᵀ and dS = P (dP - Σ P dP) / √K:
  /// dQ = dS K, dK = dSᵀ Q, dV = Pᵀ dO. The row sum Σ P dP equals Σ O dO.
  func backward(_ gradient: Tensor, kept: Kept) {
    let targets = AttentionGradients(queries: queries, keys: keys, values: values)
    let scoreCount = 3 * Self.blockHeight * scratchStride + (Self.blockHeight + 15) / 16 * 16
    let scratchCount = scoreCount + 3 * packedCount
    let scratch = Tensor(
      uninitialized: [workspace.threads.threadCount, scratchCount], in: workspace)
    let sequenceBlocks = sequenceBlocks()
    targets.withMemory { dq, dk, dv in
      // Query heads that share keys add to the same gradients: they belong to one task.
      workspace.threads.run(tasks: queries.sequences * keys.count) { task, worker in
        let (sequence, keyHead) = (task / keys.count, task % keys.count)
        let scores = scratch.pointer + worker * scratchCount
        let factors = Factors(
          keys: keys.matrix(sequence: sequence, head: keyHead),
          values: values.matrix(sequence: sequence, head: keyHead), positions: keys.positions,
          width: keys.width, memory: scores + scoreCount, packedCount: packedCount,
          computesScores: kept.probabilities == nil, products: workspace.products)
        for member in 0..<queriesPerKey {
          let head = keyHead * queriesPerKey + member
          let part = HeadPart(
            sequence: sequence, head: head, keyHead: keyHead, isFirst: member == 0)
          for (index, block) in sequenceBlocks[sequence].reversed().enumerated() {
            backward(
              block, of: part, isFirstBlock: index == 0, gradient: gradient,
              kept: kept, factors: factors, scratch: scores, dq: dq, dk: dk, dv: dv)
          }
        }
      }
    }
  }

  /// The keys and values of one head, as the products of the backward pass read them.
  private struct Factors {
    let keys: PackedFactor
    /// For the scores; nil where the probabilities are kept.
    let keysTransposed: PackedFactor?
    let valuesTransposed: PackedFactor

    init(
      keys: Matrix, values: Matrix, positions: Int, width: Int,
      memory: UnsafeMutablePointer<Float>, packedCount: Int, computesScores: Bool,
      products: Products
    ) {
      self.keys = PackedFactor(
        keys, inner: positions, columns: width, in: memory, for: products)
      keysTransposed =
        computesScores
        ? PackedFactor(
          keys.transposed, inner: width, columns: positions, in: memory + packedCount,
          for: products) : nil
      valuesTransposed = PackedFactor(
        values.transposed, inner: width, columns: positions, in: memory + 2 * packedCount,
        for: products)
    }
  }

  /// Which head of which sequence; `isFirst` among those that share keys.
  private struct HeadPart {
    let sequence: Int
    let head: Int
    let keyHead: Int
    let isFirst: Bool
  }

  private typealias Destination = AttentionGradients.Destination

  // Blocks come last first: the last one sees all keys, so it can overwrite what others add to. With
  // ranges no block may see all keys: there the memory is cleared first.
  private func backward(
    _ block: Block, of part: HeadPart, isFirstBlock: Bool, gradient: Tensor, kept: Kept,
    factors: Factors, scratch: UnsafeMutablePointer<Float>, dq: Destination, dk: Destination,
    dv: Destination
  ) {
    let (sequence, head, width) = (part.sequence, part.head, queries.width)
    let row = self.row(of: block, head: sequence * queries.count + head)
    let area = Self.blockHeight * scratchStride
    let isFirst = isFirstBlock && part.isFirst
    let dK = keys.layout.matrix(dk.pointer, sequence: sequence, head: part.keyHead)
    let dV = values.layout.matrix(dv.pointer, sequence: sequence, head: part.keyHead)
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
    let dot = scratch + 3 * area
    let q = queries.matrix(sequence: sequence, head: head)
      .from(row: block.start)
    let o = outputs.matrix(sequence: sequence, head: head)
      .from(row: block.start)
    let dO = outputs.layout.matrix(gradient.pointer, sequence: sequence, head: head)
      .from(row: block.start)
    let p = probabilities(block, of: part, kept: kept, factors: factors, scratch: scratch)
    let used = stream == nil ? p : Matrix(scratch + area, stride: p.stride)
    drop(p, into: used, block, row: row)
    let ds = Matrix(scratch + 2 * area, stride: p.stride)
    let overwrites = isFirst && !hasRanges
    workspace.products.multiplyHere(
      used.transposed, dO, into: dV,
      rows: block.keyCount, columns: width, inner: block.height, adds: dv.adds || !overwrites)
    factors.valuesTransposed.multiply(
      from: dO, into: ds, rows: block.height, columns: block.columns, inner: width)
    drop(ds, into: ds, block, row: row)
    for line in 0..<block.height {
      dot[line] = CKernels_dot(
        o.pointer + line * o.stride, dO.pointer + line * dO.stride, Int64(width))
    }
    CKernels_softmaxBackward(
      p.pointer, ds.pointer, dot, scale, Int64(block.height), Int64(block.keyCount),
      Int64(p.stride))
    factors.keys.multiply(
      from: ds, into: dQ, rows: block.height, columns: width, inner: block.keyCount, adds: dq.adds)
    workspace.products.multiplyHere(
      ds.transposed, q, into: dK, rows: block.keyCount, columns: width, inner: block.height,
      adds: dk.adds || !overwrites)
  }

  /// The probabilities of a block before dropout: those of the forward pass, or computed again in `scratch`.
  private func probabilities(
    _ block: Block, of part: HeadPart, kept: Kept, factors: Factors,
    scratch: UnsafeMutablePointer<Float>
  ) -> Matrix {
    let head = part.sequence * queries.count + part.head
    if let probabilities = kept.probabilities(of: block, head: head) { return probabilities }
    let result = Matrix(scratch, stride: scratchStride)
    factors.keysTransposed?.multiply(
      from: queries.matrix(sequence: part.sequence, head: part.head).from(row: block.start),
      into: result, rows: block.height, columns: block.columns, inner: queries.width)
    let maxima = kept.statistics.pointer + row(of: block, head: head)
    let inverseSums = maxima + kept.statistics.shape.last
    softmax(result, block, sequence: part.sequence) { scores, height, columns, visible, line in
      CKernels_softmaxAgain(
        scores, scale, height, columns, Int64(result.stride), visible, Int64(block.visibleStep),
        maxima + line, inverseSums + line)
    }
    return result
  }
}
