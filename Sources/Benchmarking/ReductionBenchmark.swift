import Foundation
import LockstepCommunication
import LockstepSettings
import LockstepTensors
import LockstepTraining

/// The time of Lockstep's canonical reduction and of `MPI_Allreduce`, alternately, by size.
public struct ReductionBenchmark: Encodable, Sendable, CustomStringConvertible {
  public struct Size: Encodable, Sendable {
    /// Of one rank's gradient.
    public let bytes: Int
    /// Median of a canonical reduction, its norm and the sharing of the slices.
    public let canonicalSeconds: Double
    /// Median of one `MPI_Allreduce`.
    public let allreduceSeconds: Double
    /// How often each was timed.
    public let repetitions: Int
  }

  public let ranks: Int
  public let hosts: Int
  /// Of each rank.
  public let threads: Int
  public let sizes: [Size]

  /// How long one size is measured, about, in seconds.
  private static let budget = 0.6

  /// Measures from 1 KiB to `largest`, four times as much each time, as far as memory allows.
  /// Collective.
  ///
  /// - Parameter largest: In bytes. Default: 1 GiB.
  /// - Throws: `AgreedError` with `NeedsRanksError` where there is one rank.
  public init(communicator: any Communicator, largest: Int = 1 << 30) throws {
    try communicator.agree { if communicator.size == 1 { throw NeedsRanksError() } }
    let plan = try ThreadPlan(requested: 0, communicator: communicator)
    let workspace = Workspace(threadCount: plan.threads)
    ranks = communicator.size
    hosts = communicator.topology.hostCount
    threads = plan.threads
    let limit = min(largest, try Self.largestThatFits(communicator))
    sizes = try stride(from: 10, through: 30, by: 2).map { 1 << $0 }.filter { $0 <= limit }.map {
      try Self.measure(byteCount: $0, workspace, communicator)
    }
  }

  /// The size whose timer takes half of the memory that the fullest host has left.
  private static func largestThatFits(_ communicator: any Communicator) throws -> Int {
    let perByte = ReductionTimer.bytesNeeded(
      byteCount: 1, localSize: communicator.topology.localSize)
    let own = (HostMemory.available ?? 1 << 30) / 2 / perByte
    return Int(try communicator.allGather([Double(own)]).map { $0[0] }.min() ?? 0)
  }

  private static func measure(
    byteCount: Int, _ workspace: Workspace, _ communicator: any Communicator
  ) throws -> Size {
    let timer = try ReductionTimer(
      communicator: communicator, byteCount: byteCount, pool: workspace.threads)
    // The first pair touches memory for the first time; the second tells how many more fit.
    var pair = 0.0
    for _ in 0..<2 { pair = try timer.canonical() + timer.allreduce() }
    let repetitions = Int(
      try communicator.allGather([min(max((budget / pair).rounded(), 5), 2_000)])[0][0])
    var canonical: [Double] = []
    var allreduce: [Double] = []
    for _ in 0..<repetitions {
      canonical.append(try timer.canonical())
      allreduce.append(try timer.allreduce())
    }
    return Size(
      bytes: byteCount, canonicalSeconds: canonical.median, allreduceSeconds: allreduce.median,
      repetitions: repetitions)
  }

  public var description: String {
    var table = TextTable("bytes", "canonical µs", "GB/s", "MPI_Allreduce µs", "GB/s", "times")
    for size in sizes {
      func speed(_ seconds: Double) -> String {
        String(format: "%.2f", Double(size.bytes) / seconds / 1e9)
      }
      table.add(
        Self.text(size.bytes), String(format: "%.1f", size.canonicalSeconds * 1e6),
        speed(size.canonicalSeconds), String(format: "%.1f", size.allreduceSeconds * 1e6),
        speed(size.allreduceSeconds),
        String(format: "%.1f", size.allreduceSeconds / size.canonicalSeconds))
    }
    let hosts = "\(hosts) host\(hosts == 1 ? "" : "s")"
    let threads = "\(threads) thread\(threads == 1 ? "" : "s") each"
    return (["\(ranks) ranks on \(hosts), \(threads)"] + table.lines).joined(separator: "\n")
  }

  private static func text(_ byteCount: Int) -> String {
    switch byteCount {
    case ..<(1 << 20): "\(byteCount >> 10) KiB"
    case ..<(1 << 30): "\(byteCount >> 20) MiB"
    default: "\(byteCount >> 30) GiB"
    }
  }
}

extension [Double] {
  /// The upper median. Not of nothing.
  var median: Double { sorted()[count / 2] }
}

/// A benchmark of what happens between ranks, started with one.
public struct NeedsRanksError: UserInputError, Equatable {
  public let description =
    "a reduction needs at least 2 ranks: start it as mpirun -np 2 lockstep benchmark reduction"
}
