import CLockstepKernels

/// What random numbers are drawn for. Part of the generator's counter, so that two purposes never
/// share a number. The values are part of the format: they never change.
public enum RandomPurpose: UInt32, Sendable {
  case initialization = 1
  case dropout = 2
  case sampling = 3
  case test = 4
  case search = 8
  // 9: partitions of data among clients, in Federation, which knows no tensors.
  case audit = 10
  // 11: what the reduction's rounding draws, in Communication, which knows no tensors either.
}

/// A counter-based random stream: every number is a function of (seed, purpose, site, step,
/// micro-batch, position) alone, so that any rank, thread or replay draws the same ones.
///
/// Philox 4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011): the key
/// is the seed, the counter is (position, purpose · 2²⁴ + site, step, micro-batch).
public struct RandomStream: Sendable, Hashable {
  public let seed: UInt64
  public let purpose: RandomPurpose
  /// Which layer, parameter or token is asking; below 2²⁴.
  public let site: Int
  public let step: Int
  public let microbatch: Int

  public init(
    seed: UInt64, purpose: RandomPurpose, site: Int = 0, step: Int = 0, microbatch: Int = 0
  ) {
    precondition(site < 1 << 24, "a random stream's site is below 2^24, not \(site)")
    self.seed = seed
    self.purpose = purpose
    self.site = site
    self.step = step
    self.microbatch = microbatch
  }

  /// The stream in the form that the C kernels take.
  var kernelStream: CKernels_RandomStream {
    CKernels_RandomStream(
      seed: seed, site: purpose.rawValue << 24 | UInt32(site),
      step: UInt32(truncatingIfNeeded: step), microbatch: UInt32(truncatingIfNeeded: microbatch))
  }

  /// Four independent 32-bit words at `position`.
  public func words(at position: Int) -> (UInt32, UInt32, UInt32, UInt32) {
    var stream = kernelStream
    var words: (UInt32, UInt32, UInt32, UInt32) = (0, 0, 0, 0)
    withUnsafeMutableBytes(of: &words) { bytes in
      CKernels_philox(
        &stream, UInt32(truncatingIfNeeded: position),
        bytes.baseAddress?.assumingMemoryBound(to: UInt32.self))
    }
    return words
  }

  /// A number in [0, 1) with 53 random bits.
  public func uniform(at position: Int) -> Double {
    let (a, b, _, _) = words(at: position)
    return Double((UInt64(a) << 32 | UInt64(b)) >> 11) * 0x1p-53
  }
}
