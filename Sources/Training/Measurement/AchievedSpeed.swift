import Foundation

/// How fast training computed its matrix products, everything else that it did included in the time,
/// beside what the processors can do.
package struct AchievedSpeed: Sendable {
  /// Of all ranks together, in 10⁹ floating-point operations a second.
  package let gigaflops: Double
  package private(set) var peak: Peak

  /// - Parameter peak: Measured on the same ranks and threads.
  package init(gigaflops: Double, peak: Peak) {
    self.gigaflops = gigaflops
    self.peak = peak
    self.peak.include(gigaflops)
  }

  /// Of the peak, in 0 ... 1.
  package var peakShare: Double { peak.share(of: gigaflops) }

  /// What to say where training was faster than the peak that was measured beside it.
  package var notice: String? {
    guard peak.isExceeded else { return nil }
    return String(
      format:
        "training computed %.4g GFLOP/s, and a loop of nothing but arithmetic, measured beside "
        + "it, %.4g: the processors' speed changes, so training itself counts as their peak",
      gigaflops, peak.measured)
  }
}
