import LockstepParallelism

/// The tensors of a slice, and the walk over its elements that all elementwise methods share.
package struct SliceMap {
  /// Elements, in coordinates of the slice, that are updated alike.
  package struct Segment: Equatable {
    package let range: Range<Int>
    /// Factor on the learning rate.
    package let rate: Double
    package let weightDecay: Double
  }

  /// Ascending, adjacent, covering the slice.
  package let segments: [Segment]

  /// Fewer elements than this are not worth a second thread: about 5 µs of work.
  static let grain = 16_384

  /// - Parameters:
  ///   - layout: The tensors and the slice. Padding after a tensor goes along with it.
  ///   - weightDecay: The method's.
  package init(_ layout: ParameterLayout, weightDecay: Double) {
    let slice = layout.slice
    var segments: [Segment] = []
    let ends = layout.tensors.dropFirst().map(\.range.lowerBound) + [slice.upperBound]
    var next = slice.lowerBound
    for (tensor, end) in zip(layout.tensors, ends) where min(end, slice.upperBound) > next {
      let range = next - slice.lowerBound..<min(end, slice.upperBound) - slice.lowerBound
      next = min(end, slice.upperBound)
      let decay = tensor.weightDecay(of: weightDecay)
      // Tensors that follow one another and are updated alike make one run.
      if let last = segments.last, last.rate == tensor.rate, last.weightDecay == decay {
        segments[segments.count - 1] = Segment(
          range: last.range.lowerBound..<range.upperBound, rate: last.rate, weightDecay: decay)
      } else {
        segments.append(Segment(range: range, rate: tensor.rate, weightDecay: decay))
      }
    }
    self.segments = segments
  }

  /// Calls `body` for runs of elements that together cover the slice, spread over the threads.
  ///
  /// - Parameter body: Gets elements, in coordinates of the slice, and the segment that they are
  ///   part of. Called from several threads at a time.
  func forEachRun(on threads: ThreadPool, _ body: (_ run: Range<Int>, _ segment: Segment) -> Void) {
    let count = segments.last?.range.upperBound ?? 0
    threads.run(over: count, grain: Self.grain) { share in
      for segment in segments {
        let run = segment.range.clamped(to: share)
        if !run.isEmpty { body(run, segment) }
      }
    }
  }
}
