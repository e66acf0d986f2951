import CLockstepKernels
import LockstepParallelism

extension RandomStream {
  /// Fills a span with normal numbers of mean 0: element i is a function of the stream and of i.
  ///
  /// Box and Muller's method in basic double-precision operations, the same on every processor.
  ///
  /// - Parameters:
  ///   - deviation: The standard deviation.
  ///   - threads: Share the work; their number does not matter to the result.
  public func fillNormal(
    _ values: UnsafeMutableBufferPointer<Float>, deviation: Double, on threads: ThreadPool
  ) {
    fill(values, on: threads) { stream, element, pointer, count in
      CKernels_fillNormal(stream, deviation, element, pointer, count)
    }
  }

  /// Fills a span with uniform numbers in -bound ..< bound: element i is a function of the stream
  /// and of i.
  public func fillUniform(
    _ values: UnsafeMutableBufferPointer<Float>, bound: Float, on threads: ThreadPool
  ) {
    fill(values, on: threads) { stream, element, pointer, count in
      CKernels_fillUniform(stream, bound, element, pointer, count)
    }
  }

  /// Calls a kernel on pieces that start where a stream can be entered.
  private func fill(
    _ values: UnsafeMutableBufferPointer<Float>, on threads: ThreadPool,
    _ kernel: (
      UnsafePointer<CKernels_RandomStream>, Int64, UnsafeMutablePointer<Float>, Int64
    ) -> Void
  ) {
    guard let base = values.baseAddress else { return }
    threads.run(over: (values.count + 63) / 64, grain: 64) { groups in
      let range = groups.lowerBound * 64..<min(groups.upperBound * 64, values.count)
      withUnsafePointer(to: kernelStream) {
        kernel($0, Int64(range.lowerBound), base + range.lowerBound, Int64(range.count))
      }
    }
  }
}
