import LockstepParallelism

/// The tensors of what a rank updates, and the walk over its elements that all elementwise methods share.
package struct SliceMap {
  /// Elements that are updated alike.
  package struct Segment: Equatable {
    /// Their places among this rank's elements, as its states have them.
    package let range: Range<Int>
    /// Where the first of them lies in the flat buffer.
    package let start: Int
    /// Factor on the learning rate.
    package let rate: Double
    package let weightDecay: Double
  }

  /// Ascending; together they are all that the rank updates.
  package let segments: [Segment]

  /// Fewer elements than this are not worth a second thread: about 5 µs of work.
  static let grain = 16_384

  /// - Parameters:
  ///   - layout: The tensors and the rank's parts. Padding after a tensor goes along with it.
  ///   - weightDecay: The method's.
  package init(_ layout: ParameterLayout, weightDecay: Double) {
    let ends = layout.tensors.dropFirst().map(\.range.lowerBound) + [layout.elementCount]
    var segments: [Segment] = []
    var count = 0
    var first = 0
    for part in layout.ownParts {
      var next = part.lowerBound
      while first < ends.count, ends[first] <= next { first += 1 }
      for index in first..<max(first, ends.count) where next < part.upperBound {
        let elements = next..<max(next, min(ends[index], part.upperBound))
        if elements.isEmpty { continue }
        Self.add(elements, of: layout.tensors[index], at: count, weightDecay, to: &segments)
        count += elements.count
        next = elements.upperBound
      }
    }
    self.segments = segments
  }

  /// Elements of one tensor; those that follow one another and are updated alike make one segment.
  private static func add(
    _ elements: Range<Int>, of tensor: OptimizedTensor, at place: Int, _ weightDecay: Double,
    to segments: inout [Segment]
  ) {
    let decay = tensor.weightDecay(of: weightDecay)
    var (range, start) = (place..<place + elements.count, elements.lowerBound)
    if let last = segments.last, last.rate == tensor.rate, last.weightDecay == decay,
      last.start + last.range.count == start
    {
      (range, start) = (last.range.lowerBound..<range.upperBound, last.start)
      segments.removeLast()
    }
    segments.append(Segment(range: range, start: start, rate: tensor.rate, weightDecay: decay))
  }

  /// Some elements that follow one another.
  struct Run {
    /// Their places among this rank's elements.
    let range: Range<Int>
    /// Where the first of them lies in the flat buffer.
    let start: Int
    /// What they are part of.
    let segment: Segment

    var count: Int64 { Int64(range.count) }
  }

  /// Calls `body` for runs of elements that together are all that the rank updates, spread over the threads.
  ///
  /// - Parameter body: Called from several threads at a time.
  func forEachRun(on threads: ThreadPool, _ body: (Run) -> Void) {
    let count = segments.last?.range.upperBound ?? 0
    threads.run(over: count, grain: Self.grain) { share in
      for segment in segments {
        let range = segment.range.clamped(to: share)
        guard !range.isEmpty else { continue }
        body(
          Run(
            range: range, start: segment.start + range.lowerBound - segment.range.lowerBound,
            segment: segment))
      }
    }
  }
}
