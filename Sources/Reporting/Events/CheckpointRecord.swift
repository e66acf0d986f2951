/// A checkpoint that is complete and on disk.
public struct CheckpointRecord: Equatable, Sendable {
  /// Optimiser steps taken.
  public var step: Int
  /// Its directory.
  public var path: String
  /// Seconds that writing it took, behind the training loop's back or not.
  public var seconds: Double

  public init(step: Int, path: String, seconds: Double) {
    self.step = step
    self.path = path
    self.seconds = seconds
  }
}
