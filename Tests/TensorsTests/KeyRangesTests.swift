import LockstepTensors
import TestSupport
import Testing

@Suite struct KeyRangesTests {
  typealias Case = AttentionTests.Case

  static let cases = [
    Case(sequences: 1, queries: 1, keys: 3, heads: 1, keyHeads: 1, width: 2),
    Case(sequences: 3, queries: 9, keys: 17, heads: 4, keyHeads: 2, width: 5),
    Case(sequences: 2, queries: 70, keys: 40, heads: 2, keyHeads: 2, width: 3),
  ]

  /// Ranges of all kinds: empty ones, single keys, all keys.
  static func ranges(_ a: Case) -> KeyRanges {
    var generator = SeededGenerator(seed: 8)
    let pairs = (0..<a.sequences * a.queries).map { row in
      let ends = [0, 1].map { _ in Int32.random(in: 0...Int32(a.keys), using: &generator) }
      return row % 5 == 4 ? (Int32(0), Int32(a.keys)) : (ends.min() ?? 0, ends.max() ?? 0)
    }
    // Of one sequence no query sees anything.
    let last = (a.sequences - 1) * a.queries
    return KeyRanges(
      lower: pairs.map(\.0),
      upper: pairs.enumerated().map { $0 >= last && a.sequences > 1 ? $1.0 : $1.1 })
  }

  /// Each query by itself, with the keys that it sees.
  static func naive(_ a: Case, _ x: [[Double]], _ ranges: KeyRanges) -> [Double] {
    let (columns, keyColumns) = (a.heads * a.width, a.keyHeads * a.width)
    return (0..<a.sequences * a.queries).flatMap { row -> [Double] in
      let keys = Int(ranges.lower[row])..<Int(ranges.upper[row])
      guard !keys.isEmpty else { return [Double](repeating: 0, count: columns) }
      let first = row / a.queries * a.keys
      let seen = (first + keys.lowerBound) * keyColumns..<(first + keys.upperBound) * keyColumns
      func heads(_ elements: ArraySlice<Double>, _ rows: Int, _ count: Int) -> Naive.Heads {
        Naive.Heads(
          Array(elements), rows: rows, columns: count * a.width, count: count, width: a.width)
      }
      return Naive.attention(
        heads(x[0][row * columns..<(row + 1) * columns], 1, a.heads),
        heads(x[1][seen], keys.count, a.keyHeads), heads(x[2][seen], keys.count, a.keyHeads),
        isCausal: false)
    }
  }

  @Test(arguments: cases)
  func eachQuerySeesItsRange(attention: Case) {
    let ranges = Self.ranges(attention)
    let checker = GradientChecker { AttentionTests.attend(attention, $0, mask: .ranges(ranges)) }
    let failures = checker.failures(inputs: AttentionTests.inputs(attention)) {
      Self.naive(attention, $0, ranges)
    }
    #expect(failures == [])
  }

  /// Outputs, and the gradients of queries, keys and values.
  static func results(_ a: Case, mask: AttentionMask, dropout: Float) -> [[Float]] {
    let workspace = Workspace()
    workspace.isTraining = true
    workspace.seekRandom(seed: 7, step: 0, microbatch: 0)
    let leaves = AttentionTests.inputs(a).map { Leaf($0.elements, shape: $0.shape, in: workspace) }
    let output = AttentionTests.attend(a, leaves.map(\.tensor), mask: mask, dropout: dropout)
    (output * output).sum().backward()
    return [output.elements] + leaves.map(\.gradient)
  }

  @Test(arguments: [Float(0), 0.2])
  func rangesThatSayTheSameGiveTheSameBits(dropout: Float) {
    let a = Case(sequences: 2, queries: 66, keys: 131, heads: 2, keyHeads: 1, width: 8)
    let rows = Int32(0)..<Int32(a.sequences * a.queries)
    let none = rows.map { _ in Int32(0) }
    let all = KeyRanges(lower: none, upper: rows.map { _ in Int32(a.keys) })
    let causal = KeyRanges(
      lower: none, upper: rows.map { $0 % Int32(a.queries) + Int32(a.keys - a.queries) + 1 })
    #expect(
      Self.results(a, mask: .ranges(all), dropout: dropout)
        == Self.results(a, mask: .full, dropout: dropout))
    #expect(
      Self.results(a, mask: .ranges(causal), dropout: dropout)
        == Self.results(a, mask: .causal, dropout: dropout))
  }
}
