// n samples, q sampling rate.

import LockstepParallelism

/// Draws the samples of each step: every one of n with probability q, by itself.
///
/// That is what accountants assume. Whether sample i is in step s is a function of (key, s, i) alone.
package struct PoissonSampling: Sendable {
  /// n.
  package let sampleCount: Int
  /// Samples of a step on the average; q is this divided by n.
  package let expectedCount: Int
  package var keystream: Keystream
  /// q · 2⁶⁴, rounded down; nil: q is 1.
  private let threshold: UInt64?

  private static let blockLength = Keystream.blockSize / 8

  /// - Throws: `PrivacyError.tooFewSamples`.
  package init(
    sampleCount: Int, expectedCount: Int, keystream: Keystream
  ) throws(PrivacyError) {
    guard expectedCount <= sampleCount else {
      throw .tooFewSamples(count: sampleCount, batch: expectedCount)
    }
    precondition(expectedCount > 0)
    (self.sampleCount, self.expectedCount, self.keystream) = (sampleCount, expectedCount, keystream)
    threshold =
      expectedCount == sampleCount
      ? nil
      : UInt64(sampleCount).dividingFullWidth((UInt64(expectedCount), 0)).quotient
  }

  /// q.
  package var rate: Double { Double(expectedCount) / Double(sampleCount) }

  /// The samples of a step, ascending.
  ///
  /// - Parameters:
  ///   - step: From 0.
  ///   - threads: Share the work; their number does not matter to the result.
  package func samples(ofStep step: Int, on threads: ThreadPool) -> [Int] {
    guard let threshold else { return Array(0..<sampleCount) }
    let blocks = (sampleCount + Self.blockLength - 1) / Self.blockLength
    var drawn = [[Int]](repeating: [], count: blocks)
    drawn.withUnsafeMutableBufferPointer { drawn in
      nonisolated(unsafe) let drawn = drawn
      threads.run(tasks: blocks) { block in
        let first = block * Self.blockLength
        let count = min(Self.blockLength, sampleCount - first)
        drawn[block] = keystream.withWords(.sampling, step: step, block: block, count: count) {
          words in
          (0..<count).filter { words[$0] < threshold }.map { first + $0 }
        }
      }
    }
    return drawn.flatMap(\.self)
  }
}
