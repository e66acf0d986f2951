/// When a job that ended is started again, and when not any more.
///
/// A snapshot in memory counts as a checkpoint here.
///
/// A job that came to a new checkpoint since it was started goes on at once. One that did not waits:
/// 1, 2, 4, … up to 60 seconds; after `attempts` such starts in a row nothing will help.
package struct RestartPolicy: Equatable {
  package enum Decision: Equatable {
    /// Start again after so many seconds.
    case restart(after: Double)
    case giveUp(Reason)
  }

  package enum Reason: Equatable {
    /// So many starts in a row came to no new checkpoint.
    case noProgress(starts: Int)
    /// There were as many restarts as are allowed.
    case tooMany(restarts: Int)
  }

  /// The most restarts after failures; those for hosts that come back do not count.
  package let restarts: Int
  /// The most starts in a row that come to no new checkpoint.
  package let attempts: Int

  package private(set) var restartCount = 0
  private var withoutProgress = 0
  private var newestStep: Int?

  package init(restarts: Int, attempts: Int) {
    self.restarts = restarts
    self.attempts = attempts
  }

  /// The job is started, with this newest checkpoint; nil: none.
  package mutating func started(at step: Int?) { newestStep = step }

  /// The job failed, with this newest checkpoint.
  package mutating func failed(at step: Int?) -> Decision {
    let hasProgress = (step ?? 0) > (newestStep ?? 0)
    withoutProgress = hasProgress ? 0 : withoutProgress + 1
    if withoutProgress >= attempts { return .giveUp(.noProgress(starts: withoutProgress)) }
    if restartCount >= restarts { return .giveUp(.tooMany(restarts: restartCount)) }
    restartCount += 1
    // The first one is at once, too: a rank that died by chance should not cost time.
    guard withoutProgress > 1 else { return .restart(after: 0) }
    return .restart(after: min(60, Double(1 << min(10, withoutProgress - 2))))
  }
}
