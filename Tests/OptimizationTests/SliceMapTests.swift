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
    for (rank, slice) in [0..<middle, middle..<count].enumerated() {
      let segments = SliceMap(
        ParameterLayout(
          tensors: tensors, elementCount: count, slices: [0..<middle, middle..<count], rank: rank),
        weightDecay: 0.5
      ).segments
      var decays: [Double] = []
      for segment in segments {
        #expect(segment.range.lowerBound == decays.count)
        #expect(!segment.range.isEmpty)
        decays += segment.range.map { _ in segment.weightDecay }
      }
      #expect(
        decays
          == slice.map { element in
            tensors.contains { $0.decays && $0.range.contains(element) } ? 0.5 : 0
          })
      #expect(zip(segments, segments.dropFirst()).allSatisfy { $0.weightDecay != $1.weightDecay })
    }
  }
}
