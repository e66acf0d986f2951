import Optimization
import Testing

@Suite struct DecayMapTests {
  @Test(arguments: 0..<50) func segmentsCoverTheSliceAndFollowTheRanges(round: Int) {
    let count = Int.random(in: 1...60)
    let cuts = (0..<6).map { _ in Int.random(in: 0...count) }.sorted()
    let ranges = [cuts[0]..<cuts[1], cuts[2]..<cuts[3], cuts[4]..<cuts[5]]
    let ends = [Int.random(in: 0...count), Int.random(in: 0...count)].sorted()
    let slice = ends[0]..<ends[1]
    let segments = DecayMap(slice: slice, decayRanges: ranges).segments
    var decays: [Bool] = []
    for segment in segments {
      #expect(segment.range.lowerBound == decays.count)
      #expect(!segment.range.isEmpty)
      decays += segment.range.map { _ in segment.decays }
    }
    #expect(decays == slice.map { element in ranges.contains { $0.contains(element) } })
    #expect(zip(segments, segments.dropFirst()).allSatisfy { $0.decays != $1.decays })
  }
}
