import Foundation
import LockstepTraining

/// The far end of a lifeline: it runs on a host while the host takes part, tells the supervisor that the
/// host lives and when a rank on it has ended, holds the snapshots of its ranks, and ends what the job has
/// left there.
///
/// When it no longer hears the supervisor, the link between them is cut, or the supervisor's host is
/// gone: then it kills the job's processes here and ends, so that none goes on by itself.
public struct Keeper {
  /// What travels on the lifeline. Control characters: no shell's greeting has them.
  enum Signal: UInt8 {
    /// I am here.
    case beat = 1
    /// To the supervisor: a rank has ended.
    case rankEnded = 2
    /// To the keeper: kill the job's processes. The answer, when none is left, is the same.
    case clear = 3
    /// To the supervisor: what snapshots there are here follows, as numbers in digits.
    case snapshots = 4
    /// The end of that.
    case end = 5
  }

  /// Seconds between two beats, and between two looks at the ranks.
  static let interval = 0.25

  private let processes: JobProcesses
  private let patience: Double
  private let memory: MemoryKeeper?

  /// - Parameters:
  ///   - mark: The job's.
  ///   - patience: Seconds without a beat after which the supervisor counts as gone.
  public init(mark: String, patience: Double) {
    processes = JobProcesses(mark: mark)
    self.patience = patience
    memory = MemoryKeeper(mark: mark)
  }

  /// Keeps until standard input ends or is silent for too long.
  public func run() {
    DescriptorBytes.doNotBlock(STDIN_FILENO)
    DescriptorBytes.doNotBlock(STDOUT_FILENO)
    processes.end()
    // Not before what an earlier job has left is gone: the first beat means that this one may begin.
    let heartbeat = Heartbeat(to: STDOUT_FILENO)
    defer { heartbeat.stop() }
    var watch = RankWatch(of: processes)
    var lastHeard = ContinuousClock.now
    var told: [ShardSummary] = []
    while true {
      DescriptorBytes.wait(for: [STDIN_FILENO], seconds: Self.interval)
      guard let bytes = DescriptorBytes.arrived(at: STDIN_FILENO) else { break }
      let now = ContinuousClock.now
      if !bytes.isEmpty { lastHeard = now }
      if lastHeard.duration(to: now) > .seconds(patience) { break }
      if bytes.contains(Signal.clear.rawValue) {
        watch.forget()
        let isClear = processes.end()
        tellSnapshots(&told)
        if isClear { send(.clear) }
      }
      tellSnapshots(&told)
      if watch.look() { send(.rankEnded) }
      // Beats wake it in between, and a look at the ranks takes a while.
      usleep(useconds_t(Self.interval * 1e6 / 2))
    }
    processes.end()
  }

  private func send(_ signal: Signal) {
    DescriptorBytes.send([signal.rawValue], to: STDOUT_FILENO)
  }

  /// Tells what snapshots there are, if others than before.
  private func tellSnapshots(_ told: inout [ShardSummary]) {
    guard let summaries = memory?.summaries, summaries != told else { return }
    told = summaries
    DescriptorBytes.send(
      [Signal.snapshots.rawValue] + Array(ShardSummary.text(of: summaries).utf8)
        + [Signal.end.rawValue], to: STDOUT_FILENO)
  }
}
