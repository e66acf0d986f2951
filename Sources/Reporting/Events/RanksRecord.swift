/// Where the time of the last steps went on each rank, and what memory it holds.
public struct RanksRecord: Equatable, Sendable {
  /// What one rank tells. Times are seconds of a step, the mean since the record before.
  public struct Rank: Equatable, Sendable {
    public var forwardSeconds: Double
    public var backwardSeconds: Double
    /// Adding up gradients, over micro-batches and ranks, and sharing the updated parameters.
    public var reductionSeconds: Double
    /// Until other ranks came to meet: on a rank that is slower than all others it is next to nothing.
    public var waitingSeconds: Double
    /// Updating this rank's slice of the parameters.
    public var optimizerSeconds: Double
    /// Bytes of memory in use now; what ranks of a host share counts for each.
    public var residentBytes: Int

    public init(
      forwardSeconds: Double, backwardSeconds: Double, reductionSeconds: Double,
      waitingSeconds: Double, optimizerSeconds: Double, residentBytes: Int
    ) {
      self.forwardSeconds = forwardSeconds
      self.backwardSeconds = backwardSeconds
      self.reductionSeconds = reductionSeconds
      self.waitingSeconds = waitingSeconds
      self.optimizerSeconds = optimizerSeconds
      self.residentBytes = residentBytes
    }
  }

  /// Optimiser steps taken.
  public var step: Int
  /// One entry for each rank, in their order.
  public var ranks: [Rank]

  public init(step: Int, ranks: [Rank]) {
    self.step = step
    self.ranks = ranks
  }
}
