import Parallelism

/// Which elements of a slice decay, and the walk over them that all optimisers share.
package struct DecayMap {
  /// A run of elements, in coordinates of the slice, that all decay or all do not.
  package struct Segment: Equatable {
    package let range: Range<Int>
    package let decays: Bool
  }

  /// Ascending, adjacent, covering the slice.
  package let segments: [Segment]

  /// Fewer elements than this are not worth a second thread: about 5 µs of work.
  private static let grain = 16_384

  /// - Parameters:
  ///   - slice: In coordinates of the flat parameter buffer.
  ///   - decayRanges: What decays, in the same coordinates: the matrices. Ascending, disjoint, and
  ///     free to reach beyond the slice.
  package init(slice: Range<Int>, decayRanges: [Range<Int>]) {
    var segments: [Segment] = []
    var next = slice.lowerBound
    func append(upTo end: Int, decays: Bool) {
      guard end > next else { return }
      let range = next - slice.lowerBound..<end - slice.lowerBound
      // Matrices that follow one another make one run.
      if let last = segments.last, last.decays == decays {
        segments[segments.count - 1] = Segment(
          range: last.range.lowerBound..<range.upperBound, decays: decays)
      } else {
        segments.append(Segment(range: range, decays: decays))
      }
      next = end
    }
    var previousEnd = Int.min
    for range in decayRanges {
      precondition(range.lowerBound >= previousEnd, "decay ranges ascend and do not overlap")
      previousEnd = range.upperBound
      append(upTo: min(range.lowerBound, slice.upperBound), decays: false)
      append(upTo: min(range.upperBound, slice.upperBound), decays: true)
    }
    append(upTo: slice.upperBound, decays: false)
    self.segments = segments
  }

  /// Calls `body` for runs of elements that together cover the slice, spread over the pool.
  ///
  /// - Parameter body: Gets elements, in coordinates of the slice, and whether they decay. Called
  ///   from several threads at a time.
  func forEachRun(on pool: ThreadPool?, _ body: (_ run: Range<Int>, _ decays: Bool) -> Void) {
    func walk(_ share: Range<Int>) {
      for segment in segments {
        let run = segment.range.clamped(to: share)
        if !run.isEmpty { body(run, segment.decays) }
      }
    }
    let count = segments.last?.range.upperBound ?? 0
    guard let pool else { return walk(0..<count) }
    pool.run(over: count, grain: Self.grain, walk)
  }
}
