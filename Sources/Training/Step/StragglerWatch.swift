/// Notices a rank that computes more slowly than the others for long: every step waits for it.
///
/// Ranks compare what a micro-batch takes them, in windows of so many steps. One window may be a
/// neighbour's short work on the same machine; two in a row are told. A rank without work, as where
/// it plays no client, is not compared.
package struct StragglerWatch {
  /// What a rank did.
  package struct Work: Equatable, Sendable {
    /// Seconds of forward and backward passes.
    package let seconds: Double
    package let microbatches: Double

    package init(seconds: Double = 0, microbatches: Double = 0) {
      self.seconds = seconds
      self.microbatches = microbatches
    }

    /// Seconds for a micro-batch; nil: there was none.
    var pace: Double? { microbatches > 0 ? seconds / microbatches : nil }
  }

  /// A rank that is slower.
  package struct Straggler: Equatable, Sendable {
    package let rank: Int
    /// Seconds for a micro-batch, of the rank and of the median.
    package let pace: Double
    package let median: Double
  }

  /// Optimiser steps of a window.
  package static let window = 50
  /// How many times slower than the median is told.
  package static let limit = 4.0 / 3
  /// Seconds of work in a window below which it shows nothing. Default: 5.
  package var leastSeconds = 5.0

  /// Windows in a row in which each rank was slow.
  private var slowWindows: [Int] = []

  package init() {}

  /// Takes in what all ranks did in a window.
  ///
  /// - Returns: Those that are to be told now: once, until they have been faster again.
  package mutating func record(_ work: [Work]) -> [Straggler] {
    if slowWindows.count != work.count { slowWindows = Array(repeating: 0, count: work.count) }
    let paces = work.compactMap(\.pace).sorted()
    guard paces.count > 1, work.map(\.seconds).max() ?? 0 >= leastSeconds else { return [] }
    // Of two ranks the faster one is what the other could be.
    let median = paces[(paces.count - 1) / 2]
    guard median > 0 else { return [] }
    return work.indices.compactMap { rank in
      guard let pace = work[rank].pace, pace > Self.limit * median else {
        slowWindows[rank] = 0
        return nil
      }
      slowWindows[rank] += 1
      return slowWindows[rank] == 2
        ? Straggler(rank: rank, pace: pace, median: median) : nil
    }
  }
}

extension StragglerWatch.Straggler {
  /// - Parameter host: Where the rank runs, where that is known.
  package func notice(host: String?) -> String {
    func milliseconds(_ seconds: Double) -> String { "\(Int((seconds * 1000).rounded())) ms" }
    let place = host.map { " on \($0)" } ?? ""
    return "rank \(rank)\(place) takes \(milliseconds(pace)) for a micro-batch, "
      + "\(Int((100 * (pace / median - 1)).rounded())) % longer than others (\(milliseconds(median))), "
      + "for \(2 * StragglerWatch.window) steps now: every step waits for it. Look for another program "
      + "on its processors, fewer cores or a hot machine; lockstep doctor compares the ranks"
  }
}
