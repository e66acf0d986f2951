import LockstepTensors
import TestSupport
import Testing

@Suite struct AttentionTests {
  struct Case: Sendable, CustomTestStringConvertible {
    var sequences = 2
    var queries = 5
    var keys = 5
    var heads = 2
    var keyHeads = 2
    var width = 4
    var testDescription: String {
      "B\(sequences) T\(queries) S\(keys) H\(heads)/\(keyHeads) K\(width)"
    }
  }

  static let cases = [
    Case(sequences: 1, queries: 1, keys: 1, heads: 1, keyHeads: 1, width: 1),
    Case(queries: 17, keys: 17, width: 15),
    Case(sequences: 1, queries: 65, keys: 65, heads: 1, keyHeads: 1, width: 16),
    Case(sequences: 1, queries: 130, keys: 130, heads: 2, keyHeads: 1, width: 3),
    Case(queries: 3, keys: 9, heads: 4, keyHeads: 2, width: 5),
    Case(sequences: 1, queries: 66, keys: 131, heads: 2, keyHeads: 2, width: 2),
    Case(queries: 16, keys: 64, heads: 6, keyHeads: 1, width: 17),
  ]

  static func inputs(_ a: Case) -> [GradientChecker.Input] {
    var generator = SeededGenerator(seed: 31)
    let shapes: [Shape] = [
      [a.sequences, a.queries, a.heads * a.width], [a.sequences, a.keys, a.keyHeads * a.width],
      [a.sequences, a.keys, a.keyHeads * a.width],
    ]
    return shapes.map { .init(generator.normals($0.count), shape: $0) }
  }

  static func attend(_ a: Case, _ x: [Tensor], mask: AttentionMask, dropout: Float = 0) -> Tensor {
    Heads(x[0], count: a.heads, width: a.width).attend(
      keys: Heads(x[1], count: a.keyHeads, width: a.width),
      values: Heads(x[2], count: a.keyHeads, width: a.width), mask: mask, dropout: dropout)
  }

  static func naive(
    _ a: Case, _ x: [[Double]], mask: AttentionMask,
    factor: (Int, Int, Int, Int) -> Double = { _, _, _, _ in 1 }
  ) -> [Double] {
    func heads(_ elements: [Double], _ rows: Int, _ count: Int) -> Naive.Heads {
      Naive.Heads(
        elements, rows: rows, columns: count * a.width, count: count, width: a.width)
    }
    return Naive.attention(
      heads(x[0], a.queries, a.heads), heads(x[1], a.keys, a.keyHeads),
      heads(x[2], a.keys, a.keyHeads), isCausal: mask == .causal, factor: factor)
  }

  @Test(arguments: cases, [AttentionMask.causal, .full])
  func attentionIsTheSoftmaxOfScaledScoresTimesValues(attention: Case, mask: AttentionMask) {
    let checker = GradientChecker { Self.attend(attention, $0, mask: mask) }
    let failures = checker.failures(inputs: Self.inputs(attention)) {
      Self.naive(attention, $0, mask: mask)
    }
    #expect(failures == [])
  }

  @Test func fewerQueriesThanKeysMayBeFullyAttended() {
    let attention = Case(queries: 9, keys: 4)
    let checker = GradientChecker { Self.attend(attention, $0, mask: .full) }
    let failures = checker.failures(inputs: Self.inputs(attention)) {
      Self.naive(attention, $0, mask: .full)
    }
    #expect(failures == [])
  }

  /// How queries, keys and values can lie in the columns of one tensor.
  @Test(arguments: [
    (columns: 24, offsets: [0, 8, 16]),  // as GPT-2's c_attn: all columns used
    (columns: 30, offsets: [17, 1, 9]),  // gaps
    (columns: 8, offsets: [0, 0, 0]),  // all the same
    (columns: 16, offsets: [0, 4, 8]),  // partly the same
    (columns: 16, offsets: [0, 8, 8]),  // keys are the values
  ])
  func queriesKeysAndValuesMayShareATensor(columns: Int, offsets: [Int]) {
    let (sequences, positions, count, width) = (2, 18, 2, 4)
    let checker = GradientChecker { x in
      let heads = offsets.map { Heads(x[0], offset: $0, count: count, width: width) }
      return heads[0].attend(keys: heads[1], values: heads[2])
    }
    let inputs = ElementwiseTests.inputs(1, [sequences, positions, columns])
    let failures = checker.failures(inputs: inputs) { x in
      let heads = offsets.map {
        Naive.Heads(
          x[0], rows: positions, columns: columns, offset: $0, count: count, width: width)
      }
      return Naive.attention(heads[0], heads[1], heads[2], isCausal: true)
    }
    #expect(failures == [])
  }

  @Test func positionsBeyondThoseUsedGetNoGradient() {
    let workspace = Workspace()
    var generator = SeededGenerator(seed: 3)
    let x = Leaf(generator.normals(7 * 12), shape: [1, 7, 12], in: workspace)
    let heads = [0, 4, 8].map { Heads(x.tensor, offset: $0, count: 1, width: 4, positions: 5) }
    heads[0].attend(keys: heads[1], values: heads[2]).sum().backward()
    #expect(x.gradient[(5 * 12)...].allSatisfy { $0 == 0 })
    #expect(x.gradient[..<(5 * 12)].allSatisfy { $0.isFinite })
    let short = Leaf(Array(x.tensor.elements[..<(5 * 12)]), shape: [1, 5, 12], in: workspace)
    let same = [0, 4, 8].map { Heads(short.tensor, offset: $0, count: 1, width: 4) }
    same[0].attend(keys: same[1], values: same[2]).sum().backward()
    #expect(short.gradient == Array(x.gradient[..<(5 * 12)]))
  }

  /// The mask that the documentation of the streams promises: element e of [B, H, T, stride], stride
  /// the number of keys rounded up to 64.
  @Test(arguments: [cases[1], cases[3], cases[4]])
  func attentionDropsWeightsAsItsStreamSays(attention: Case) {
    let probability: Float = 0.3
    let stride = (attention.keys + 63) / 64 * 64
    let stream = RandomStream(seed: 99, purpose: .dropout, site: 0, step: 4, microbatch: 2)
    var checker = GradientChecker {
      Self.attend(attention, $0, mask: .causal, dropout: probability)
    }
    checker.prepare = {
      $0.isTraining = true
      $0.seekRandom(seed: 99, step: 4, microbatch: 2)
    }
    let failures = checker.failures(inputs: Self.inputs(attention)) { x in
      Self.naive(attention, x, mask: .causal) { sequence, head, query, key in
        let row = (sequence * attention.heads + head) * attention.queries + query
        return DropoutTests.factor(of: row * stride + key, stream, probability)
      }
    }
    #expect(failures == [])
  }

  @Test func threadsDoNotChangeAttention() {
    let attention = Case(sequences: 3, queries: 130, keys: 130, heads: 4, keyHeads: 2, width: 33)
    for mask in [AttentionMask.causal, .full] {
      let checker = GradientChecker { Self.attend(attention, $0, mask: mask) }
      #expect(checker.bitFailures(inputs: Self.inputs(attention)) == [])
    }
  }

  @Test func keysAndValuesInACacheGiveTheSameAttention() {
    let workspace = Workspace()
    var generator = SeededGenerator(seed: 12)
    let (sequences, positions, count, width) = (2, 9, 2, 4)
    let columns = count * width
    let x = generator.normals(sequences * positions * 3 * columns)
    func part(_ range: Range<Int>) -> Tensor {
      let row = 3 * columns
      let rows = (0..<sequences).flatMap { sequence in
        x[
          (sequence * positions + range.lowerBound)
            * row..<(sequence * positions + range.upperBound) * row]
      }
      return Tensor(rows, shape: [sequences, range.count, row], in: workspace)
    }
    func heads(_ tensor: Tensor) -> [Heads] {
      [0, columns, 2 * columns].map { Heads(tensor, offset: $0, count: count, width: width) }
    }
    let all = heads(part(0..<positions))
    let expected = all[0].attend(keys: all[1], values: all[2]).elements
    let cache = AttentionCache(
      sequences: sequences, capacity: positions, columns: columns, in: workspace)
    for range in [0..<4, 4..<5, 5..<9] {
      let new = heads(part(range))
      let (keys, values) = cache.append(keys: new[1], values: new[2])
      let output = new[0].attend(keys: keys, values: values).elements
      for sequence in 0..<sequences {
        for (index, position) in range.enumerated() {
          for column in 0..<columns {
            let a = output[(sequence * range.count + index) * columns + column]
            let b = expected[(sequence * positions + position) * columns + column]
            #expect(abs(a - b) < 1e-6)
          }
        }
      }
    }
    cache.truncate(to: 5)
    #expect(cache.positions == 5)
  }

  /// Products of blocks multiply what is behind a sequence's own end by zero, whatever was in memory before.
  @Test(arguments: [ProductFormat.float32, .bfloat16])
  func whatLiesBehindAShorterSequenceIsNotSeen(format: ProductFormat) throws {
    let (sequences, width, count) = (2, 16, 2)
    let columns = count * width
    let workspace = Workspace()
    workspace.products.format = format
    func heads(_ positions: Int, isNumber: Bool = true) -> [Heads] {
      let x = (0..<sequences * positions * 3 * columns).map { index -> Float in
        isNumber ? Float(index % 17) / 16 - 0.5 : .nan
      }
      let tensor = Tensor(x, shape: [sequences, positions, 3 * columns], in: workspace)
      return [0, columns, 2 * columns].map {
        Heads(tensor, offset: $0, count: count, width: width)
      }
    }
    let cache = AttentionCache(sequences: sequences, capacity: 64, columns: columns, in: workspace)
    let (nothing, first, second) = (heads(64, isNumber: false), heads(36), heads(9))
    // As memory may be that nobody has written to.
    _ = cache.append(keys: nothing[1], values: nothing[2])
    cache.truncate(to: 0)
    _ = cache.append(keys: first[1], values: first[2])
    cache.truncate(to: [36, 30])
    let mask = cache.ranges(of: 9)
    let (keys, values) = cache.append(keys: second[1], values: second[2])
    let output = second[0].attend(keys: keys, values: values, mask: mask).elements
    #expect(output.allSatisfy { $0.isFinite })
  }
}
