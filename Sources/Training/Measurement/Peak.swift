import CLockstepKernels
import LockstepCommunication
import LockstepParallelism
import LockstepTensors

#if canImport(Glibc)
  import Glibc
#endif

/// The most that the processors' arithmetic can do, of all ranks together: what the speed of a run is a
/// share of.
///
/// Measured by multiply-adds that never leave the registers, with the instructions that Lockstep's
/// products use, on all threads of all ranks at once, so that they share a clock and power as in a step.
/// Counted is the time for which the threads had a processor: what other programs take is no limit of
/// the processor's.
package struct Peak: Sendable {
  /// Of each rank, in 10⁹ floating-point operations a second.
  package let ofRanks: [Double]
  /// What all ranks came to together in the fastest repetition.
  package let measured: Double
  /// What counts: what was measured, or what was seen to be faster.
  package private(set) var gigaflops: Double

  package init(ofRanks: [Double]) {
    self.ofRanks = ofRanks
    measured = ofRanks.reduce(0, +)
    gigaflops = measured
  }

  /// Whether something was faster than what was measured: the processors were slower meanwhile.
  package var isExceeded: Bool { gigaflops > measured }

  /// Makes sure that this speed is no more than the whole of the peak.
  package mutating func include(_ speed: Double) { gigaflops = max(gigaflops, speed) }

  /// The share of the peak that a speed is, in 10⁹ operations a second: above 1 only where it was not
  /// included.
  package func share(of speed: Double) -> Double { speed / gigaflops }

  /// The higher one of two, with what was included in either.
  package static func highest(of one: Peak, _ other: Peak) -> Peak {
    var peak = one.measured > other.measured ? one : other
    peak.include(max(one.gigaflops, other.gigaflops))
    return peak
  }
}

// MARK: - Measuring

extension Peak {
  /// A repetition's length in seconds: long enough for the processors to come down from the clock of
  /// a core that had nothing to do.
  private static let burst = 0.03
  private static let leastBursts = 6
  private static let mostBursts = 30

  /// Measures for about 0.2 seconds; for up to a second where the run was faster, which then counts.
  /// Collective.
  ///
  /// - Parameters:
  ///   - format: Of the products.
  ///   - threads: This rank's.
  ///   - speed: What all ranks were seen to do together, in 10⁹ operations a second; the same on all.
  ///     Default: nothing was seen.
  package static func measure(
    of format: ProductFormat, threads: ThreadPool, communicator: any Communicator,
    atLeast speed: Double = 0
  ) throws -> Peak {
    var best = Peak(ofRanks: [])
    for repetition in 0..<mostBursts {
      if repetition >= leastBursts && best.measured >= speed { break }
      try communicator.barrier()
      let own = Self.gigaflops(of: format, threads: threads, seconds: burst)
      best = highest(of: best, Peak(ofRanks: try communicator.allGather([own]).map { $0[0] }))
    }
    best.include(speed)
    return best
  }

  /// Of this rank's threads, all at once.
  private static func gigaflops(
    of format: ProductFormat, threads: ThreadPool, seconds: Double
  ) -> Double {
    let speeds = UnsafeMutableBufferPointer<Double>.allocate(capacity: threads.threadCount)
    defer { speeds.deallocate() }
    // Each thread waits in its own until the last one is done.
    threads.run(tasks: threads.threadCount) { task in
      var (operations, sum) = (Int64(0), Float(0))
      let end = ContinuousClock.now + .seconds(seconds)
      let start = processorTime()
      repeat {
        operations += CKernels_peak(format.kernelFormat, rounds, &sum)
      } while ContinuousClock.now < end
      speeds.initializeElement(at: task, to: Double(operations) / (processorTime() - start))
    }
    return speeds.reduce(0, +)
  }

  /// Some ten microseconds, so that looking at the clock is less than a hundredth.
  private static let rounds: Int64 = 4096

  /// For which the calling thread had a processor, in nanoseconds.
  private static func processorTime() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
    return Double(time.tv_sec) * 1e9 + Double(time.tv_nsec)
  }
}
