import Foundation
import LockstepCommunication
import LockstepNeuralNetworks
import LockstepParallelism
import LockstepTensors

/// What decides how a job runs and how fast: where the ranks are, what they compute with, and a few
/// measured speeds. Gathered on rank zero.
public struct Diagnosis: Encodable, CustomStringConvertible, Sendable {
  /// One rank's part.
  struct Rank: Codable, Sendable {
    let host: String
    /// Processors that the rank may use.
    let processors: [Int]
    let threads: Int
    /// The rank's speed in each precision.
    let speeds: [Speed]
    let openBLAS: OpenBLASKernels
    /// What the host can still give, in bytes; nil where it does not say.
    let availableMemory: Int?
    /// Processors of the host, of which the rank may use some.
    let hostProcessors: Int
    /// The version of PMIx, by which the launcher and its ranks know each other; nil without.
    let pmix: String?
  }

  /// How fast a rank multiplies in one format while all ranks do, in 10⁹ operations a second.
  struct Speed: Codable, Sendable {
    /// Of the factors, as `precision` has it.
    let precision: String
    /// Those that Lockstep's products use on this processor, such as "AVX-512" and "AMX".
    let instructions: String
    /// The most that the arithmetic of the rank's processors can do.
    let peakGigaflops: Double
    /// Of plain matrix products by the rank's threads.
    let productGigaflops: Double
  }

  let mode: String
  let ranks: [Rank]
  /// The version of Open MPI, or "none".
  let openMPI: String
  /// How fast a gradient of 64 MiB is summed over all ranks and shared, in 10⁹ bytes a second.
  let reductionGigabytes: Double
  /// How long a barrier takes, in microseconds.
  let barrierMicroseconds: Double
  /// Names of the hosts, in the order of their ranks.
  let hosts: [String]
  /// The connection of each pair of hosts; none where there is one host.
  package let links: [HostLink]
  /// What will slow the job down or stop it.
  let findings: [String]

  /// Measures for about a second. Collective.
  public init(communicator: any Communicator, launch: Launch) throws {
    mode = launch.description(of: communicator.topology)
    let plan = try ThreadPlan(requested: 0, communicator: communicator)
    let workspace = Workspace(threadCount: plan.threads)
    let threads = workspace.threads
    let own = Rank(
      host: ProcessInfo.processInfo.hostName, processors: ProcessorMask.current.processors,
      threads: plan.threads,
      speeds: try Precision.allCases.map { try Self.speed($0, threads, communicator) },
      openBLAS: .current, availableMemory: HostMemory.available,
      hostProcessors: max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN))),
      pmix: ProcessInfo.processInfo.environment["PMIX_VERSION"])
    ranks = try communicator.allGather(value: own)
    openMPI = launch.library.version ?? "none"
    (reductionGigabytes, barrierMicroseconds) = try Self.reductionSpeed(threads, communicator)
    links = try HostLink.measureAll(communicator)
    hosts = communicator.topology.hosts.map { [ranks] in ranks[$0.lowerBound].host }
    findings =
      Self.findings(ranks) + [Self.finding(onMPI: openMPI)].compactMap(\.self)
      + links.findings(hosts: hosts)
  }

  /// Of products as GPT-2's smallest model has, for a quarter of a second, and of a loop of nothing but
  /// arithmetic, on all ranks at once. The peak is never below the speed of products.
  private static func speed(
    _ precision: Precision, _ threads: ThreadPool, _ communicator: any Communicator
  ) throws -> Speed {
    var products = ForwardProducts()
    products.add(rows: 512 * threads.threadCount, inner: 768, columns: 768)
    let speed = ProductSpeed(
      of: products, by: [Products(format: precision.format, threads: threads)])
    try communicator.barrier()
    speed.measure(seconds: 0.25)
    let own = speed.gigaflops(of: 0)
    let all = try communicator.allGather([own]).map { $0[0] }
    let peak = try Peak.measure(
      of: precision.format, threads: threads, communicator: communicator,
      atLeast: all.reduce(0, +))
    return Speed(
      precision: precision.rawValue, instructions: precision.format.instructions,
      peakGigaflops: max(peak.ofRanks[communicator.rank], own), productGigaflops: own)
  }

  private static func reductionSpeed(
    _ threads: ThreadPool, _ communicator: any Communicator
  ) throws -> (gigabytes: Double, barrierMicroseconds: Double) {
    let byteCount = 64 << 20
    let timer = try ReductionTimer(communicator: communicator, byteCount: byteCount, pool: threads)
    var best = Double.infinity
    for _ in 0..<4 { best = min(best, try timer.canonical()) }
    let barriers = 200
    let start = ContinuousClock.now
    for _ in 0..<barriers { try communicator.barrier() }
    let barrier = (ContinuousClock.now - start) / .microseconds(1) / Double(barriers)
    return (Double(byteCount) / best / 1e9, barrier)
  }

  /// What there is to say about a library by its version; nil where it is the one that Lockstep is tested with, or
  /// "none".
  package static func finding(onMPI version: String) -> String? {
    guard version != "none", !version.hasPrefix("Open MPI v4.1.") else { return nil }
    return
      "\(version): Lockstep is tested with Open MPI 4.1; with another, processes and files may stay behind "
      + "when lockstep supervise ends a job"
  }

  private static func findings(_ ranks: [Rank]) -> [String] {
    var findings: [String] = []
    for (number, rank) in ranks.enumerated() {
      for speed in rank.speeds where speed.productGigaflops >= speed.peakGigaflops {
        findings.append(
          "rank \(number): products in \(speed.precision) were faster than a loop of nothing but "
            + "arithmetic after them: the processors' speed changes, so measure more than once")
      }
    }
    for (host, members) in Dictionary(grouping: ranks, by: \.host).sorted(by: { $0.key < $1.key }) {
      let processors = Set(members.flatMap(\.processors)).count
      let threads = members.reduce(0) { $0 + $1.threads }
      if threads > processors {
        findings.append("\(host): \(threads) threads share \(processors) processors")
      } else if threads < processors {
        findings.append("\(host): \(processors - threads) of \(processors) processors are idle")
      }
      if let finding = members.first?.openBLAS.finding { findings.append("\(host): \(finding)") }
    }
    return findings
  }

  public var description: String {
    var lines = [
      "mode         \(mode)", "MPI          \(openMPI)", "PMIx         \(pmixVersions)",
    ]
    for (number, rank) in ranks.enumerated() {
      let processors = rank.processors.map(String.init).joined(separator: ",")
      let threads = "\(rank.threads) thread\(rank.threads == 1 ? "" : "s")"
      lines.append(
        "rank \(number)".padding(toLength: 13, withPad: " ", startingAt: 0)
          + "\(rank.host), processor\(rank.processors.count == 1 ? "" : "s") \(processors) (host has "
          + "\(rank.hostProcessors)), \(threads), "
          + rank.speeds.map { String(format: "%.0f", $0.productGigaflops) }
          .joined(separator: " and ") + " GFLOP/s")
    }
    lines += Precision.allCases.map { speed(in: $0.rawValue) }
    let kernels = Set(ranks.map(\.openBLAS.name)).sorted().joined(separator: ", ")
    lines.append("OpenBLAS     \(kernels) kernels")
    lines.append(
      String(
        format: "reduction    %.1f GB/s for 64 MiB, barrier %.1f µs", reductionGigabytes,
        barrierMicroseconds))
    lines += hostLines
    lines += findings.isEmpty ? ["findings     none"] : findings.map { "finding      \($0)" }
    return lines.joined(separator: "\n")
  }

  /// One for all hosts, or each host's.
  private var pmixVersions: String {
    let versions = hosts.map { host in
      (host: host, version: ranks.first { $0.host == host }?.pmix ?? "none")
    }
    guard Set(versions.map(\.version)).count > 1 else { return versions.first?.version ?? "none" }
    return versions.map { "\($0.version) on \($0.host)" }.joined(separator: ", ")
  }

  /// Of each host its memory, and what connects each two.
  private var hostLines: [String] {
    let memory = hosts.map { host in
      let bytes = ranks.first { $0.host == host }?.availableMemory
      return "memory       \(host): "
        + (bytes.map { "\(ByteCount.text(Double($0))) available" } ?? "unknown")
    }
    return memory
      + links.map { link in
        String(
          format:
            "link         %@ to %@: %.2f Gbit/s by %@, round trip %.0f µs, clocks %.1f ms apart",
          hosts[link.from], hosts[link.to], link.gigabits, link.interfaces,
          link.roundTripMicroseconds, Swift.abs(link.clockOffsetMilliseconds))
      }
  }

  /// What all ranks come to together.
  private func speed(in precision: String) -> String {
    let speeds = ranks.flatMap(\.speeds).filter { $0.precision == precision }
    let (products, peak) = speeds.reduce((0, 0)) {
      ($0.0 + $1.productGigaflops, $0.1 + $1.peakGigaflops)
    }
    let instructions = Set(speeds.map(\.instructions))
    return precision.padding(toLength: 13, withPad: " ", startingAt: 0)
      + String(
        format: "%.0f GFLOP/s, %.0f %% of the peak of %.0f, by ", products, 100 * products / peak,
        peak)
      + instructions.sorted().joined(separator: ", ")
      + (Precision(rawValue: precision)?.remark(on: instructions) ?? "")
  }
}
