import Foundation
import LockstepTensors
import TestSupport
import Testing

@Suite struct AttentionProbabilityTests {
  private final class Watcher: AttentionObserver {
    var seen: [Tensor] = []

    func attention(_ probabilities: Tensor) { seen.append(probabilities) }
    func forward(_ name: String, _ values: UnsafeBufferPointer<Float>, shape: Shape) {}
    func backward(_ name: String, _ gradient: UnsafeBufferPointer<Float>, shape: Shape) {}
  }

  struct Case {
    let sequences: Int
    let queries: Int
    let keys: Int
    let heads: Int
    let keyHeads: Int
    let width: Int
    let mask: AttentionMask
  }

  /// More keys than columns of a head, and fewer; blocks of queries not filled; grouped heads.
  static let cases = [
    Case(sequences: 2, queries: 7, keys: 7, heads: 3, keyHeads: 3, width: 4, mask: .causal),
    Case(sequences: 1, queries: 70, keys: 70, heads: 2, keyHeads: 1, width: 8, mask: .causal),
    Case(sequences: 2, queries: 3, keys: 45, heads: 4, keyHeads: 2, width: 16, mask: .full),
    Case(sequences: 1, queries: 5, keys: 9, heads: 1, keyHeads: 1, width: 32, mask: .causal),
  ]

  @Test(arguments: cases) func areTheSoftmaxOfTheScores(_ shape: Case) {
    let workspace = Workspace(threadCount: 2)
    let watcher = Watcher()
    var generator = SeededGenerator(seed: 7)
    func random(_ rows: Int, _ columns: Int) -> [Float] {
      generator.normals(shape.sequences * rows * columns)
    }
    let (columns, keyColumns) = (shape.heads * shape.width, shape.keyHeads * shape.width)
    let (q, k) = (random(shape.queries, columns), random(shape.keys, keyColumns))
    let queries = Heads(
      Tensor(q, shape: [shape.sequences, shape.queries, columns], in: workspace),
      count: shape.heads, width: shape.width)
    func heads(_ elements: [Float]) -> Heads {
      Heads(
        Tensor(elements, shape: [shape.sequences, shape.keys, keyColumns], in: workspace),
        count: shape.keyHeads, width: shape.width)
    }
    let (keys, values) = (heads(k), heads(random(shape.keys, keyColumns)))
    let plain = queries.attend(keys: keys, values: values, mask: shape.mask).elements
    workspace.observer = watcher
    let watched = queries.attend(keys: keys, values: values, mask: shape.mask).elements
    workspace.observer = nil
    #expect(plain == watched)
    #expect(watcher.seen.count == 1)
    #expect(
      watcher.seen.first?.shape == [shape.sequences, shape.heads, shape.queries, shape.keys])

    var expected: [Double] = []
    for sequence in 0..<shape.sequences {
      for head in 0..<shape.heads {
        let keyHead = head / (shape.heads / shape.keyHeads)
        for query in 0..<shape.queries {
          let visible =
            shape.mask == .full ? shape.keys : query + 1 + shape.keys - shape.queries
          let scores = (0..<shape.keys).map { key -> Double in
            let from = (sequence * shape.queries + query) * columns + head * shape.width
            let to = (sequence * shape.keys + key) * keyColumns + keyHead * shape.width
            return (0..<shape.width).reduce(0) { $0 + Double(q[from + $1]) * Double(k[to + $1]) }
              / Double(shape.width).squareRoot()
          }
          let total = scores[..<visible].reduce(0) { $0 + exp($1) }
          expected += scores.indices.map { $0 < visible ? exp(scores[$0]) / total : 0 }
        }
      }
    }
    let actual = watcher.seen.first?.elements ?? []
    #expect(actual.count == expected.count)
    #expect(zip(actual, expected).allSatisfy { abs(Double($0) - $1) < 1e-6 })
    #expect(zip(actual, expected).allSatisfy { $1 != 0 || $0 == 0 })
  }

  @Test func showingThemDrawsNoRandomNumbersAndRecordsNothing() {
    func gradient(observer: (any ActivationObserver)?) -> [Float] {
      let workspace = Workspace()
      workspace.isTraining = true
      workspace.seekRandom(seed: 3, step: 1, microbatch: 2)
      workspace.observer = observer
      var generator = SeededGenerator(seed: 9)
      let x = Tensor.variable(generator.normals(6 * 8), shape: [1, 6, 8], in: workspace)
      let heads = Heads(x, count: 2, width: 4)
      let y = heads.attend(keys: heads, values: heads, dropout: 0.4)
      (y * y).dropout(0.3).sum().backward()
      return x.gradient ?? []
    }
    let plain = gradient(observer: nil)
    #expect(plain.count == 48 && plain.contains { $0 != 0 })
    #expect(gradient(observer: Watcher()) == plain)
  }

  @Test func aLeafGathersItsGradientAndNothingElseHasOne() {
    let workspace = Workspace()
    let x = Tensor.variable([1, 2, 3], shape: [3], in: workspace)
    #expect(x.gradient == nil)
    let y = x * x
    (y + x).sum().backward()
    #expect(x.gradient == [3, 5, 7])
    #expect(y.gradient == nil)
    #expect(Tensor([1], shape: [1], in: workspace).gradient == nil)
  }
}
