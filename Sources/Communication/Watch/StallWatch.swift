/// Tells when a rank waits for long: a hint at a rank that hangs, or at unequal work.
///
/// Idea: the stall inspector of Horovod.
public struct StallWatch {
  /// A wait that goes on.
  public struct Stall: Equatable, Sendable, CustomStringConvertible {
    public let waited: Duration
    /// What this rank is in, and the optimiser step.
    public let call: CollectiveCall
    public let step: Int
    /// The ranks that have not come yet, as far as this rank can tell.
    public let missing: [Int]

    public var description: String {
      let ranks = missing.map(String.init).joined(separator: ", ")
      let from = missing.isEmpty ? "other hosts" : "rank\(missing.count == 1 ? "" : "s") \(ranks)"
      return "waiting for \(from) since \(waited.components.seconds) s, in \(call), step \(step)"
    }
  }

  /// How long a wait lasts until it is reported, and how often after that. Default: 60 seconds.
  public let interval: Duration
  /// Called on the thread that waits.
  public let report: (Stall) -> Void

  public init(interval: Duration = .seconds(60), report: @escaping (Stall) -> Void) {
    self.interval = interval
    self.report = report
  }
}
