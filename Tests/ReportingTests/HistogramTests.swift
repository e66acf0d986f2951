import LockstepReporting
import TestSupport
import Testing

/// Each element is counted once, in the bucket that holds it.
@Suite struct HistogramTests {
  @Test func elementsAreInTheirBuckets() {
    var generator = SeededGenerator(seed: 5)
    let special: [Float] = [0, -0, 1, -1, 1e-30, -1e-30, 0x1p-40, Float(2).squareRoot(), 0x1p39]
    let random = (0..<2000).map { _ in
      Float.random(in: -1...1, using: &generator)
        * Float(sign: .plus, exponent: Int.random(in: -38...38, using: &generator), significand: 1)
    }
    for element in special + random {
      var histogram = Histogram()
      histogram.add([element])
      let bucket = histogram.buckets
      #expect(bucket.count == 1 && bucket.first?.count == 1)
      let (lower, upper) = (bucket[0].lower, bucket[0].upper)
      // Borders are roots of two, rounded.
      let tolerance = 1e-6 * abs(Double(element))
      #expect(
        lower - tolerance <= Double(element) && Double(element) <= upper + tolerance, "\(element)")
    }
  }

  @Test func bucketsFollowOneAnotherAndCountAll() {
    var generator = SeededGenerator(seed: 6)
    var histogram = Histogram()
    histogram.add((0..<5000).map { _ in Float.random(in: -3...5, using: &generator) } + [.nan])
    let buckets = histogram.buckets
    #expect(buckets.reduce(0) { $0 + $1.count } == 5000)
    #expect(zip(buckets, buckets.dropFirst()).allSatisfy { $0.upper == $1.lower })
    #expect(buckets.allSatisfy { $0.lower < $0.upper })
  }

  @Test func whatIsInfiniteIsInTheOutermostBuckets() {
    var histogram = Histogram()
    histogram.add([.infinity, -.infinity])
    #expect(histogram.buckets.first?.count == 1 && histogram.buckets.last?.count == 1)
    #expect(histogram.buckets.count == Histogram.bucketCount)
  }
}
