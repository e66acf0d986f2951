import Foundation
import LockstepTensors
import TestSupport
import Testing

@Suite struct LikeliestTests {
  @Test(arguments: [1, 2, 5, 15, 16, 17, 33, 64, 97, 1000], [1, 2])
  func likeliestColumnsAreThoseOfASort(columns: Int, threads: Int) {
    var generator = SeededGenerator(seed: UInt64(columns))
    let (rows, stride) = (7, columns + 3)
    // Rounded, so that many are equal.
    let elements = generator.normals(rows * stride).map { ($0 * 4).rounded() / 4 }
    let workspace = Workspace(threadCount: threads)
    let logits = Tensor(elements, shape: [rows, stride], in: workspace)
    for count in Set([1, min(8, columns), columns]) {
      let likeliest = logits.likeliest(count, among: columns)
      for row in 0..<rows {
        let values = Array(elements[row * stride..<row * stride + columns])
        let order = values.indices.sorted {
          values[$0] != values[$1] ? values[$0] > values[$1] : $0 < $1
        }
        let normalizer = log(values.reduce(0) { $0 + exp(Double($1)) })
        for rank in 0..<count {
          let found = likeliest[row, rank]
          #expect(found.column == Int32(order[rank]))
          #expect(abs(found.logProbability - (Double(values[order[rank]]) - normalizer)) < 1e-6)
        }
      }
    }
  }

  @Test func aRankThatWasNotAskedForIsRefused() async {
    await #expect(processExitsWith: .failure) {
      let logits = Tensor([Float](repeating: 1, count: 20), shape: [4, 5], in: Workspace())
      _ = logits.likeliest(2)[0, 2]
    }
  }

  @Test func aCacheIsNotCutToLessThanNothing() async {
    await #expect(processExitsWith: .failure) {
      let cache = AttentionCache(sequences: 1, capacity: 4, columns: 2, in: Workspace())
      cache.truncate(to: -1)
    }
  }

  @Test func selectedSequencesOfACacheGoOnFromTheirOwnPast() {
    let workspace = Workspace()
    let (capacity, columns) = (6, 4)
    var generator = SeededGenerator(seed: 3)
    /// Keys of each sequence, position by position.
    var expected: [[[Float]]] = [[], []]
    let cache = AttentionCache(
      sequences: 2, capacity: capacity, columns: columns, in: workspace)
    for selection in [[0, 1], [1, 0, 0], [2, 0, 1], [1, 1, 2], [2, 0], [0, 1], [1]] {
      let new = Tensor(
        generator.normals(expected.count * columns), shape: [expected.count, 1, columns],
        in: workspace)
      let heads = Heads(new, count: 2, width: 2)
      if expected[0].count < capacity {
        let keys = cache.append(keys: heads, values: heads).keys.tensor
        for sequence in expected.indices {
          let start = sequence * columns
          expected[sequence].append(Array(new.elements[start..<start + columns]))
        }
        #expect(keys.shape == [expected.count, capacity, 2 * columns])
        let stored = keys.elements
        for (sequence, rows) in expected.enumerated() {
          for (position, row) in rows.enumerated() {
            let start = (sequence * capacity + position) * 2 * columns
            #expect(Array(stored[start..<start + columns]) == row, "\(sequence), \(position)")
          }
        }
      }
      cache.select(selection)
      expected = selection.map { expected[$0] }
    }
  }
}
