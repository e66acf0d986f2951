import Foundation
import LockstepCommunication
import LockstepParallelism

/// How many threads a rank computes with, and why.
public struct ThreadPlan: Sendable, Equatable {
  /// Threads of this rank, at least 1.
  public let threads: Int
  /// Processors in this process's affinity mask.
  public let processors: Int
  /// Ranks of this host that have the same mask.
  public let sharers: Int

  /// - Parameters:
  ///   - requested: The configuration's `threads`; 0 takes the rank's share of its processors.
  ///   - processors: In the affinity mask, at least 1.
  ///   - sharers: Ranks of the host with the same mask, this one included.
  public init(requested: Int, processors: Int, sharers: Int) {
    self.processors = max(1, processors)
    self.sharers = max(1, sharers)
    let share = max(1, self.processors / self.sharers)
    threads = requested == 0 ? share : min(requested, self.processors)
  }

  /// The plan of this rank: processors that several ranks of a host may use are shared evenly, a
  /// mask of its own (as the launcher's binding gives) belongs to the rank alone. Collective.
  ///
  /// - Parameter requested: As for `init(requested:processors:sharers:)`.
  public init(requested: Int, communicator: any Communicator) throws {
    let mask = ProcessorMask.current
    let masks = try communicator.allGather([mask.fingerprint])
    let sharers = communicator.topology.hostRanks.filter { masks[$0] == masks[communicator.rank] }
    self.init(requested: requested, processors: mask.usableCount, sharers: sharers.count)
  }
}

/// The processors that this process may run on.
public struct ProcessorMask: Hashable, Sendable {
  /// Numbers of the processors, ascending.
  public let processors: [Int]

  /// The affinity mask as the launcher left it.
  public static var current: ProcessorMask {
    let status = (try? String(contentsOfFile: "/proc/self/status", encoding: .utf8)) ?? ""
    let prefix = "Cpus_allowed_list:"
    let line = status.split(separator: "\n").first { $0.hasPrefix(prefix) }
    let processors = line.map { Self.processors(inList: $0.dropFirst(prefix.count)) } ?? []
    return ProcessorMask(
      processors: processors.isEmpty
        ? Array(0..<ProcessInfo.processInfo.activeProcessorCount) : processors)
  }

  /// The numbers in a list as the kernel writes it: "0-3,8".
  static func processors(inList list: some StringProtocol) -> [Int] {
    list.split(separator: ",").flatMap { part -> [Int] in
      let ends = part.split(separator: "-").compactMap {
        Int($0.trimmingCharacters(in: .whitespaces))
      }
      guard let first = ends.first, let last = ends.last, first <= last else { return [] }
      return Array(first...last)
    }
  }

  /// How many processors' worth of time the process may use: the mask's, or fewer where a quota says
  /// so.
  public var usableCount: Int {
    min(processors.count, ProcessorQuota.current ?? processors.count)
  }

  /// A number that two ranks of one host share if they have the same mask, exact in a Double.
  var fingerprint: Double {
    var hash: UInt64 = 0xcbf2_9ce4_8422_2325
    for processor in processors { hash = (hash ^ UInt64(processor)) &* 0x100_0000_01b3 }
    return Double(hash >> 11)
  }
}

extension ThreadPool {
  /// Threads for what a process does alone, without a workspace: as many as it has processors.
  package static var ofThisProcess: ThreadPool {
    ThreadPool(threadCount: max(1, ProcessorMask.current.usableCount))
  }
}
