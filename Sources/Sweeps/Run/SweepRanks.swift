import Foundation
import LockstepCommunication
import LockstepReporting
import LockstepTraining
import Synchronization

/// How a job's ranks share out a search: groups of them, each of which trains one run at a time.
///
/// Groups know nothing of each other while they train, but for one word of memory on each host that
/// says that a stop was requested.
final class SweepRanks {
  /// All ranks.
  let whole: any Communicator
  /// Those of this rank's group.
  let group: any Communicator
  let groupCount: Int
  let groupIndex: Int
  private let stopWord: SharedMemory

  /// Collective.
  ///
  /// - Parameter groups: From 1 to the number of ranks; group g has the ranks from g N / G up to
  ///   (g + 1) N / G.
  init(_ whole: any Communicator, groups: Int) throws {
    self.whole = whole
    groupCount = groups
    groupIndex = ((whole.rank + 1) * groups - 1) / whole.size
    group = groups == 1 ? whole : try whole.split(color: groupIndex)
    stopWord = try whole.allocateShared(
      byteCount: whole.topology.isLeader ? MemoryLayout<Atomic<Int32>>.stride : 0)
  }

  // MARK: - Stopping

  private var stopFlag: UnsafeMutablePointer<Atomic<Int32>>? {
    stopWord.segments[0].baseAddress?.assumingMemoryBound(to: Atomic<Int32>.self)
  }

  private var isStopAnnounced: Bool { stopFlag?.pointee.load(ordering: .relaxed) == 1 }

  /// Tells the other groups of this host.
  func announceStop() { stopFlag?.pointee.store(1, ordering: .relaxed) }

  /// Whether this group is to stop before its next run. Collective over the group.
  func isStopRequested(_ stop: StopRequest) throws -> Bool {
    let wants = stop.signal != nil || isStopAnnounced
    let answers = try group.allGather([wants ? 1 : 0])
    guard answers.contains([1]) else { return false }
    announceStop()
    return true
  }

  /// Hands a stop that another group announced on to this one's run, and the other way round.
  final class StopObserver: RunObserver {
    private let ranks: SweepRanks
    private let stop: StopRequest

    init(_ ranks: SweepRanks, _ stop: StopRequest) {
      (self.ranks, self.stop) = (ranks, stop)
    }

    func receive(_ event: RunEvent) {
      guard case .step = event else { return }
      if stop.signal != nil {
        ranks.announceStop()
      } else if ranks.isStopAnnounced {
        stop.request(signal: SIGTERM)
      }
    }
  }

  // MARK: - Sharing

  /// The bytes of all ranks that have any, in rank order. Collective over `communicator`.
  static func gather(
    _ bytes: [UInt8], over communicator: any Communicator
  ) throws -> [[UInt8]] {
    let counts = try communicator.allGather([Double(bytes.count)]).map { Int($0[0]) }
    return try counts.indices.filter { counts[$0] > 0 }.map { rank in
      var content = rank == communicator.rank ? bytes : [UInt8](repeating: 0, count: counts[rank])
      try content.withUnsafeMutableBytes { try communicator.broadcast($0, from: rank) }
      return content
    }
  }

  /// What all groups have recorded. Collective over all ranks.
  func exchange(_ records: [RunRecord]) throws -> [RunRecord] {
    let mine = try whole.agree { group.isRankZero ? try RunRecord.encode(records) : [] }
    let all = try Self.gather(mine, over: whole)
    return try whole.agree { try all.flatMap(RunRecord.decode) }
  }
}
