import LockstepOptimization
import TestSupport
import Testing

@Suite struct SliceMapTests {
  @Test(arguments: 0..<50) func segmentsCoverTheSliceAndFollowTheTensors(round: Int) {
    var generator = SeededGenerator(seed: UInt64(round))
    let count = Int.random(in: 1...60, using: &generator)
    let inner = (0..<4).map { _ in Int.random(in: 0...count, using: &generator) }.sorted()
    let cuts = [0] + inner + [count]
    let tensors = zip(cuts, cuts.dropFirst()).enumerated().map { index, ends in
      OptimizedTensor(
        name: "\(index)", shape: [ends.1 - ends.0], range: ends.0..<ends.1,
        decays: Bool.random(using: &generator))
    }
    let middle = Int.random(in: 0...count, using: &generator)
    let last = Int.random(in: middle...count, using: &generator)
    // The second rank's elements lie between those of the first.
    let parts = [[0..<middle, last..<count], [middle..<last]]
    for rank in parts.indices {
      let segments = SliceMap(
        ParameterLayout(tensors: tensors, elementCount: count, parts: parts, rank: rank),
        weightDecay: 0.5
      ).segments
      var elements: [Int] = []
      var decays: [Double] = []
      for segment in segments {
        #expect(segment.range.lowerBound == decays.count)
        #expect(!segment.range.isEmpty)
        elements += segment.range.indices.map {
          segment.start + $0 - segment.range.lowerBound
        }
        decays += segment.range.map { _ in segment.weightDecay }
      }
      #expect(elements == parts[rank].flatMap { $0 })
      #expect(
        decays
          == elements.map { element in
            tensors.contains { $0.decays && $0.range.contains(element) } ? 0.5 : 0
          })
      for (one, next) in zip(segments, segments.dropFirst()) {
        let isAdjacent = one.start + one.range.count == next.start
        #expect(one.weightDecay != next.weightDecay || !isAdjacent)
      }
    }
  }
}
