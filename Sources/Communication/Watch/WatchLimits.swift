/// How long ranks wait for each other.
public struct WatchLimits: Equatable, Sendable {
  /// How long a wait lasts until it is told; zero: it never is.
  public var notice: Duration
  /// How long a wait lasts until the job is ended; zero: it never is.
  public var end: Duration

  public init(notice: Duration = .seconds(15), end: Duration = .seconds(300)) {
    self.notice = notice
    self.end = end
  }
}

/// What a rank is doing, as far as it decides how long others wait for it.
public enum WatchActivity: UInt32, Sendable {
  /// Optimiser steps, one like the other.
  case steps
  /// The first step of this process, when memory is touched for the first time.
  case firstStep
  case evaluation
  case checkpoint
  /// Reading data and parameters.
  case beginning

  /// How many times longer than for a step others wait.
  var patience: Int64 {
    switch self {
    case .steps: 1
    case .firstStep, .evaluation, .checkpoint: 4
    case .beginning: 12
    }
  }

  var name: String? {
    switch self {
    case .steps: nil
    case .firstStep: "its first step"
    case .evaluation: "an evaluation"
    case .checkpoint: "saving"
    case .beginning: "its beginning"
    }
  }
}
