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
  /// Threads of each rank.
  public let threads: Int
  public let sizes: [Size]

  /// Seconds that a size larger than all that were measured would take for one repetition, where the
  /// measurement ended before it; nil where it did not.
  public let leftOutSeconds: Double?
  /// The size that memory has room for, in bytes, where that is less than was asked for; else nil.
  public let memoryLimit: Int?

  /// How long one size is measured, about, in seconds. A size of which one repetition takes longer is
  /// timed once or twice.
  private static let budget = 0.6
  /// A size is not begun that nobody asked for by name and of which one repetition takes longer, in
  /// seconds.
  private static let longestRepetition = 10.0

  /// Measures from 1 KiB to `largest`, four times as much each time, as far as memory allows.
  /// Collective.
  ///
  /// - Parameters:
  ///   - largest: In bytes. Default: nil, 1 GiB, and on slow links where a repetition would take
  ///     longer than 10 seconds.
  ///   - progress: Is given the lines of `description` as they come. Default: nothing.
  /// - Throws: `AgreedError` with `NeedsRanksError` where there is one rank.
  public init(
    communicator: any Communicator, largest: Int? = nil,
    progress: (_ line: String) throws -> Void = { _ in }
  ) throws {
    try communicator.agree { if communicator.size == 1 { throw NeedsRanksError() } }
    let plan = try ThreadPlan(requested: 0, communicator: communicator)
    let workspace = Workspace(threadCount: plan.threads)
    ranks = communicator.size
    hosts = communicator.topology.hostCount
    threads = plan.threads
    let limit = try Self.largestThatFits(communicator)
    try progress(Self.heading(ranks: ranks, hosts: hosts, threads: threads))
    try progress(Self.columns)
    var sizes: [Size] = []
    var leftOut: Double?
    let asked = largest.map { $0 / 4 * 4 } ?? 1 << 30
    let counts = stride(from: 10, through: 40, by: 2).map { 1 << $0 }.filter { $0 < asked }
    for byteCount in counts + [asked] where byteCount <= limit {
      if largest == nil, let last = sizes.last {
        // All ranks decide by rank zero's clock.
        let seconds = try communicator.allGather([
          4 * (last.canonicalSeconds + last.allreduceSeconds)
        ])[0][0]
        if seconds > Self.longestRepetition {
          leftOut = seconds
          break
        }
      }
      let size = try Self.measure(byteCount: byteCount, workspace, communicator)
      sizes.append(size)
      try progress(size.line)
    }
    self.sizes = sizes
    leftOutSeconds = leftOut
    memoryLimit = asked > limit ? limit : nil
    if let note { try progress(note) }
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
    var canonical: [Double] = []
    var allreduce: [Double] = []
    func time() throws {
      canonical.append(try timer.canonical())
      allreduce.append(try timer.allreduce())
    }
    for _ in 0..<2 { try time() }
    let repetitions = try Self.repetitions(of: canonical[1] + allreduce[1], communicator)
    if repetitions > 0 {
      canonical.removeAll()
      allreduce.removeAll()
      for _ in 0..<repetitions { try time() }
    } else {
      // Too slow for more: what the first touch of memory costs is little beside it.
      canonical.removeFirst()
      allreduce.removeFirst()
    }
    return Size(
      bytes: byteCount, canonicalSeconds: canonical.median, allreduceSeconds: allreduce.median,
      repetitions: canonical.count)
  }

  /// How many more pairs are timed when one took `seconds`: the same on all ranks.
  private static func repetitions(
    of seconds: Double, _ communicator: any Communicator
  ) throws -> Int {
    let own = seconds > 2 * budget ? 0 : min(max((budget / seconds).rounded(), 5), 2_000)
    return Int(try communicator.allGather([own])[0][0])
  }

  public var description: String {
    let lines = [Self.heading(ranks: ranks, hosts: hosts, threads: threads), Self.columns]
    return (lines + sizes.map(\.line) + (note.map { [$0] } ?? [])).joined(separator: "\n")
  }

  private static func heading(ranks: Int, hosts: Int, threads: Int) -> String {
    "\(ranks) ranks on \(hosts) host\(hosts == 1 ? "" : "s"), "
      + "\(threads) thread\(threads == 1 ? "" : "s") each"
  }

  private static let columns = row(
    "bytes", "canonical µs", "GB/s", "MPI_Allreduce µs", "GB/s", "times")

  /// Cells in columns that are as wide for every size, since lines are printed as they come.
  fileprivate static func row(_ cells: String...) -> String {
    zip(cells, [10, 15, 8, 19, 8, 8]).map { cell, width in
      let space = String(repeating: " ", count: max(0, width - cell.count))
      return width == 10 ? cell + space : space + cell
    }.joined()
  }

  private var note: String? {
    if let leftOutSeconds {
      return String(
        format: "Larger sizes are left out: one repetition would take about %.0f seconds. "
          + "--largest BYTES measures them anyway.", leftOutSeconds)
    }
    return memoryLimit.map {
      "Sizes above \(Size.text($0)) are left out: a host's free memory is too small for them."
    }
  }
}

extension ReductionBenchmark.Size {
  /// The row of the table.
  fileprivate var line: String {
    func speed(_ seconds: Double) -> String {
      String(format: "%.\(Double(bytes) / seconds < 1e8 ? 4 : 2)f", Double(bytes) / seconds / 1e9)
    }
    return ReductionBenchmark.row(
      Self.text(bytes), String(format: "%.1f", canonicalSeconds * 1e6), speed(canonicalSeconds),
      String(format: "%.1f", allreduceSeconds * 1e6), speed(allreduceSeconds),
      String(format: "%.1f", allreduceSeconds / canonicalSeconds))
  }

  fileprivate static func text(_ byteCount: Int) -> String {
    let units = [(30, "GiB"), (20, "MiB"), (10, "KiB")]
    let (shift, unit) = units.first { byteCount >= 1 << $0.0 } ?? (10, "KiB")
    let isWhole = byteCount % (1 << shift) == 0
    return String(
      format: isWhole ? "%.0f %@" : "%.1f %@", Double(byteCount) / Double(1 << shift), unit)
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
