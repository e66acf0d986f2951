import CLockstepKernels
import LockstepParallelism

/// The normal noise of a step's sum: element i of step s is a function of (key, s, i), so that each rank makes
/// exactly its slice's.
package struct GaussianNoise: Sendable {
  /// σ C.
  package let deviation: Double
  private let keystream: Keystream

  /// Elements of a block of the keystream.
  static let blockLength = Keystream.blockSize / 8 / Int(CKERNELS_NOISE_WORDS) * 2

  package init(deviation: Double, keystream: Keystream) {
    (self.deviation, self.keystream) = (deviation, keystream)
  }

  /// Adds the noise to a slice.
  ///
  /// - Parameters:
  ///   - values: Elements `first` ..< `first + values.count` of the sum.
  ///   - first: A multiple of 2,048.
  ///   - step: From 0.
  package func add(
    to values: UnsafeMutableBufferPointer<Float>, from first: Int, step: Int, on threads: ThreadPool
  ) {
    precondition(first.isMultiple(of: Self.blockLength), "a slice of noise begins with a block")
    guard let base = values.baseAddress else { return }
    nonisolated(unsafe) let start = base
    threads.run(tasks: (values.count + Self.blockLength - 1) / Self.blockLength) { task in
      let offset = task * Self.blockLength
      let count = min(Self.blockLength, values.count - offset)
      let words = (count + 1) / 2 * Int(CKERNELS_NOISE_WORDS)
      keystream.withWords(
        .noise, step: step, block: first / Self.blockLength + task, count: words
      ) { CKernels_addNoise($0, deviation, start + offset, Int64(count)) }
    }
  }
}
