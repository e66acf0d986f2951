import CLockstepKernels
import Foundation
import LockstepParallelism

/// How fast this process's threads read and write memory, beyond the caches.
///
/// Idea: STREAM (McCalpin 1995). Counted are the bytes that a kernel names, not the lines that a
/// cache fetches before they are overwritten.
struct MemoryBandwidth {
  /// b = a, in 10⁹ bytes a second.
  let copyGigabytes: Double
  /// a += s · b, in 10⁹ bytes a second.
  let updateGigabytes: Double

  /// - Parameters:
  ///   - memory: At least two arrays beyond the caches.
  ///   - threads: Share each pass.
  ///   - seconds: How long each of the two is measured.
  init(_ memory: BenchmarkMemory, threads: ThreadPool, seconds: Double) {
    let (a, b, count) = (memory[0], memory[1], memory.elementCount)
    func gigabytes(arrays: Int, _ body: (Range<Int>) -> Void) -> Double {
      let fastest = fastestRun(for: seconds) {
        threads.run(over: count, grain: 1 << 16, body)
      }
      return Double(arrays * count * MemoryLayout<Float>.stride) / fastest / 1e9
    }
    copyGigabytes = gigabytes(arrays: 2) { range in
      memcpy(b + range.lowerBound, a + range.lowerBound, range.count * MemoryLayout<Float>.stride)
    }
    updateGigabytes = gigabytes(arrays: 3) { range in
      CKernels_accumulateScaled(
        b + range.lowerBound, 1e-6, a + range.lowerBound, Int64(range.count))
    }
  }
}

/// Arrays of floats that no cache holds.
final class BenchmarkMemory {
  /// Elements of each array.
  let elementCount: Int
  private let arrays: [UnsafeMutablePointer<Float>]

  /// - Parameters:
  ///   - arrayCount: How many arrays.
  ///   - elementCount: Of each. Default: 64 MiB.
  init(arrayCount: Int, elementCount: Int = 16 << 20) {
    self.elementCount = elementCount
    arrays = (0..<arrayCount).map { _ in .allocate(capacity: elementCount) }
    reset()
  }

  /// Fills the arrays with numbers of an ordinary size, all positive.
  func reset() {
    let period = 1024
    for (number, array) in arrays.enumerated() {
      for index in 0..<min(period, elementCount) {
        array[index] = Float((index &* 40_503 &+ number) & (period - 1)) / 1024 + 0.01
      }
      for start in stride(from: period, to: elementCount, by: period) {
        (array + start).update(from: array, count: min(period, elementCount - start))
      }
    }
  }

  subscript(index: Int) -> UnsafeMutablePointer<Float> { arrays[index] }

  deinit {
    for array in arrays { array.deallocate() }
  }
}

/// The shortest of the runs that fit into `seconds`, at least two; in seconds.
func fastestRun(for seconds: Double, _ body: () -> Void) -> Double {
  var fastest = Double.infinity
  var runs = 0
  let begin = ContinuousClock.now
  while runs < 2 || begin.duration(to: .now) / .seconds(1) < seconds {
    let start = ContinuousClock.now
    body()
    fastest = min(fastest, start.duration(to: .now) / .seconds(1))
    runs += 1
  }
  return fastest
}
