import Foundation
import LockstepFiles
import LockstepReporting
import LockstepTraining

/// Keeps a training going: starts it, and starts it again on what is left when a rank, a host or the
/// launcher is lost.
///
/// Since a run's bits do not depend on the number of ranks, a run that has lost hosts ends with those
/// of one that has lost none.
public final class Supervisor {
  private let options: SupervisionOptions
  private let processes: JobProcesses
  private let hosts: SupervisedHosts?
  /// Holds the snapshots of the ranks on this host.
  private let memory: MemoryKeeper?
  private let signals = StopSignals()
  private let console = BackgroundOutput(
    DescriptorOutput(lossNotice: "lockstep: standard output is closed: the run goes on"))
  private let errors = BackgroundOutput(DescriptorOutput(descriptor: STDERR_FILENO))
  private var policy: RestartPolicy
  private var hostFile: HostFileWatch?

  public init(_ options: SupervisionOptions) throws {
    self.options = options
    policy = RestartPolicy(restarts: options.restarts, attempts: options.attempts)
    let mark = "\(ThisMachine.name)-\(getpid())-\(UInt64.random(in: 0...UInt64.max))"
    processes = JobProcesses(mark: mark)
    memory = MemoryKeeper(mark: mark)
    guard let slots = try options.hosts.slots() else {
      hosts = nil
      return
    }
    let shell = RemoteShell(environment: ProcessInfo.processInfo.environment)
    let keeper = [
      options.command.program, "supervise", "--keep", mark, "--patience", "\(options.patience)",
    ]
    hosts = SupervisedHosts(slots, retryInterval: options.retryInterval) { host in
      try Lifeline(
        to: host, command: shell.command(keeper, on: host), patience: options.patience)
    }
    if case .file(let path) = options.hosts { hostFile = HostFileWatch(path: path) }
  }

  /// How an attempt ended.
  private enum Ending {
    /// The launcher ended by itself.
    case ended(code: Int32)
    /// A host or a rank was lost, and the rest was ended.
    case lost(String)
    /// It was stopped so that other hosts take part.
    case regrouped
  }

  /// Supervises until the run is complete, stopped by a signal, or can not go on.
  ///
  /// - Returns: What the process ends with: 0, 75 when stopped after saving, 2 where the input is wrong,
  ///   1 where nothing helped.
  public func run() throws -> ExitCode {
    defer {
      console.finish()
      errors.finish()
    }
    return try supervise()
  }

  private func supervise() throws -> ExitCode {
    let listener = signals.listen()
    defer {
      withExtendedLifetime(listener) {}
      processes.end()
      hosts?.close()
    }
    while true {
      guard let placement = try findPlacement() else { return .stopped }
      policy.started(at: newestStep)
      // That of a shorter run is there until the first new step.
      let earlier = outcome
      let ending = try watch(start(on: placement), on: placement)
      switch ending {
      case .ended(0) where outcome != nil: return .success
      // Its processes took their time to end.
      case .lost where outcome != nil && outcome != earlier: return .success
      case .ended(let code) where [2, 75].contains(code): return ExitCode(rawValue: code)
      case .regrouped: continue
      case .ended(0): say("the launcher ended with exit code 0, and the run is not complete")
      case .ended(let code): say("the run ended with exit code \(code)")
      case .lost(let what): say(what)
      }
      // Whoever asked for the end gets it, though the run could not be saved.
      if signals.demand != .none { return .failure }
      switch policy.failed(at: newestStep) {
      case .giveUp(let reason):
        say(explanation(of: reason))
        return .failure
      case .restart(let seconds):
        if seconds > 0 { say("no new checkpoint since the last start: waiting \(Int(seconds)) s") }
        rest(seconds: seconds)
      }
    }
  }

  /// What the run came to; nil: it is not complete, though its launcher may have ended with 0.
  private var outcome: RunSummary? { try? RunDirectory(path: options.output).summary() }

  // MARK: Starting

  /// Where the next attempt runs, once every host has answered or does not; nil: a signal came first.
  private func findPlacement() throws -> TrainingCommand.Placement? {
    guard let hosts else {
      return signals.demand == .none ? .here(ranks: options.hosts.ranksHere) : nil
    }
    var hasSaid = false
    while signals.demand == .none {
      for event in try hosts.tend() + rereadHosts() { tell(event) }
      if hosts.areKnown {
        let usable = hosts.usable
        if !usable.isEmpty { return .hosts(usable) }
        if !hasSaid { say("no host answers: trying again every now and then") }
        hasSaid = true
      }
      DescriptorBytes.wait(for: hosts.descriptors, seconds: Self.tick)
    }
    return nil
  }

  private func start(on placement: TrainingCommand.Placement) throws -> RunningJob {
    let directory = RunDirectory(path: options.output)
    let resume = FileManager.default.fileExists(atPath: directory.configurationPath)
    if policy.restartCount > 0 || hosts != nil {
      let ranks = options.command.ranks(on: placement)
      let step = newestStep.map { " from step \($0)" } ?? ""
      say(
        "\(resume ? "going on" : "starting")\(step) with \(ranks) "
          + "rank\(ranks == 1 ? "" : "s")\(placement.names)")
    }
    return try RunningJob(
      options.command.words(on: placement, resume: resume), processes: processes,
      startSeconds: options.startSeconds)
  }

  /// The step that the run can go on from: of its newest checkpoint, or of a newer snapshot in the memory
  /// of the hosts; nil: there is none.
  private var newestStep: Int? {
    let inventory = SnapshotInventory([memory?.summaries ?? []] + (hosts?.snapshots ?? []))
    return [storedStep, inventory.newest?.step].compactMap(\.self).max()
  }

  /// The step of the run's newest checkpoint; nil: there is none.
  private var storedStep: Int? {
    (try? RunDirectory(path: options.output).checkpoints.steps())?.last
  }

  // MARK: Watching

  private static let tick = 0.1

  /// Waits until the job has ended, or ends it since a part of it is lost.
  private func watch(
    _ job: RunningJob, on placement: TrainingCommand.Placement
  ) throws -> Ending {
    var (isStopping, isRegrouping) = (false, false)
    var lossNoticed: (when: ContinuousClock.Instant, what: String)?
    while true {
      // What a console that nobody reads can not take stays with the job.
      let lines = console.isFull ? [] : job.descriptors
      DescriptorBytes.wait(for: (hosts?.descriptors ?? []) + lines, seconds: Self.tick)
      if !console.isFull { console.write(job.takeLines()) }
      if !job.isRunning { break }

      switch signals.demand {
      case .none: break
      case .save:
        if !isStopping { say("saving and stopping; Ctrl-C once more to stop at once") }
        isStopping = true
      case .end: return end(job, .lost("stopped at once, without saving"))
      }
      if isStopping || isRegrouping { job.stop() }
      for event in try (hosts?.tend() ?? []) + rereadHosts() {
        switch event {
        case .lost(let name) where placement.uses(name):
          return end(job, .lost("host \(name) is lost"), atOnce: true)
        case .rankEnded(let name):
          lossNoticed = lossNoticed ?? (.now, "a rank on \(name) has ended")
        default: tell(event)
        }
      }
      if job.hasLostRank() { lossNoticed = lossNoticed ?? (.now, "a rank has ended") }
      // A run that is complete ends its ranks together, and its launcher a moment later.
      let grace = isStopping || isRegrouping ? Self.stoppingGrace : Self.grace
      if let lossNoticed, lossNoticed.when.duration(to: .now) > grace {
        return end(job, isRegrouping ? .regrouped : .lost(lossNoticed.what))
      }
      if !isRegrouping, let hosts, shouldRegroup(from: placement, to: hosts.usable) {
        isRegrouping = true
      }
    }
    console.write(job.takeLines())
    let code = job.exitCode
    if isRegrouping && code == ExitCode.stopped.rawValue && signals.demand == .none {
      return end(job, .regrouped)
    }
    return end(job, .ended(code: code))
  }

  /// How long ranks and launcher have to end together.
  private static let grace = Duration.seconds(1.5)
  /// The same after a request to stop: a launcher takes its time when ranks end with 75.
  private static let stoppingGrace = Duration.seconds(10)

  /// Whether other hosts would give the run other ranks.
  private func shouldRegroup(
    from placement: TrainingCommand.Placement, to usable: [HostSlots]
  ) -> Bool {
    guard case .hosts(let used) = placement, !usable.isEmpty else { return false }
    let isLeft = used.contains { host in !usable.contains { $0.name == host.name } }
    let ranks = options.command.ranks(on: .hosts(usable))
    return isLeft || ranks > options.command.ranks(on: placement)
  }

  /// Ends what is left of a job on all hosts.
  ///
  /// - Parameter atOnce: Whether its launcher has no time to end in order. Default: it has.
  private func end(_ job: RunningJob, _ ending: Ending, atOnce: Bool = false) -> Ending {
    hosts?.clear()
    job.end(atOnce: atOnce)
    console.write(job.takeLines())
    let deadline = ContinuousClock.now + .seconds(options.patience)
    while let hosts, !hosts.haveCleared, ContinuousClock.now < deadline {
      for event in hosts.tend() { tell(event) }
      DescriptorBytes.wait(for: hosts.descriptors, seconds: Self.tick)
    }
    hosts?.release()
    return ending
  }

  /// Waits, and goes on tending the hosts.
  private func rest(seconds: Double) {
    let deadline = ContinuousClock.now + .seconds(seconds)
    while ContinuousClock.now < deadline, signals.demand == .none {
      for event in hosts?.tend() ?? [] { tell(event) }
      DescriptorBytes.wait(for: hosts?.descriptors ?? [], seconds: Self.tick)
    }
  }

  // MARK: Hosts and words

  private func rereadHosts() throws -> [SupervisedHosts.Event] {
    guard let hosts, let changed = hostFile?.changed() else { return [] }
    do throws(HostListError) {
      return hosts.update(try changed.get())
    } catch {
      say("\(error): the hosts stay as they were")
      return []
    }
  }

  private func tell(_ event: SupervisedHosts.Event) {
    switch event {
    case .lost(let name): say("host \(name) is lost")
    case .unreachable(let name):
      say("host \(name) does not answer: going on without it; it is tried again later")
    case .up(let name): say("host \(name) answers")
    case .added(let name): say("host \(name) is new in the file")
    case .removed(let name): say("host \(name) is no longer in the file")
    case .rankEnded: break
    }
  }

  private func explanation(of reason: RestartPolicy.Reason) -> String {
    let step = storedStep.map { "; the newest checkpoint is that of step \($0)" } ?? ""
    return switch reason {
    case .noProgress(let starts):
      "giving up: \(starts) start\(starts == 1 ? "" : "s") in a row came to no new checkpoint\(step)"
    case .tooMany(let restarts):
      "giving up: the run was started again \(restarts) time\(restarts == 1 ? "" : "s"), which is the "
        + "limit (--restarts)\(step)"
    }
  }

  /// One line, on standard error.
  private func say(_ text: String) {
    errors.write("lockstep supervise: \(text)".visible + "\n")
  }
}
