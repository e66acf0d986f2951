import Foundation
import LockstepCommunication
import LockstepDatasets
import LockstepFiles
import LockstepReporting
import LockstepSettings
import LockstepTraining

/// A search as `lockstep sweep` makes it: all its runs, one after another on all ranks or side by
/// side on groups of them, and the report.
///
/// Runs are dealt out before they start, the i-th of a rung's to group i mod G. Groups meet at the
/// end of each rung, where the results of all decide which trials go on. So no group has to hand out work,
/// and nothing depends on which group was faster.
public final class Sweep {
  private let plan: SweepPlan
  private let directory: SweepDirectory
  private let ranks: SweepRanks
  private let console: SweepConsole
  private let runner: TrialRunner
  /// Held on rank zero while the sweep exists.
  private let lock: RunDirectoryLock?
  private var results: SweepResults
  private var whole: any Communicator { ranks.whole }

  /// Reads the sweep, checks every trial, and prepares the directory. Collective.
  ///
  /// - Parameters:
  ///   - path: The sweep's YAML.
  ///   - overrides: `key.path=value`, put over the configuration that it names.
  ///   - groups: How many trials run side by side.
  ///   - communicator: All ranks.
  ///   - mode: How the ranks were started, for the console.
  ///   - output: The sweep's directory.
  ///   - resume: Whether to go on with a sweep that is there.
  ///   - console: What is printed.
  /// - Throws: `AgreedError` with what is wrong.
  public init(
    path: String, overrides: [String] = [], groups: Int = 1, communicator: any Communicator,
    mode: String, output: String, resume: Bool, console style: SweepConsole.Style = .text
  ) throws {
    try communicator.agree {
      guard (1...communicator.size).contains(groups) else {
        throw SweepError.groups(groups, ranks: communicator.size)
      }
    }
    let directory = SweepDirectory(path: output)
    var plan = try SweepPlan(path, overrides, groups: groups, communicator)
    if resume, let first = plan.runs.first {
      let home = try directory.runDirectory(of: first).recordedDirectory(communicator)
      plan = plan.starting(from: home)
    }
    let ranks = try SweepRanks(communicator, groups: groups)
    let data = try plan.requireMeasured(by: ranks)

    let checked = plan
    var lock: RunDirectoryLock?
    let stored = try communicator.fromRankZero {
      let prepared = try directory.prepare(
        for: checked,
        data: { wanted in data.first { $0.configuration.hasData(of: wanted) }?.record },
        resume: resume)
      lock = prepared.lock
      return try RunRecord.encode(prepared.records)
    }
    self.lock = lock
    results = SweepResults(plan, records: try communicator.agree { try RunRecord.decode(stored) })
    (self.plan, self.directory, self.ranks) = (plan, directory, ranks)
    console = SweepConsole(style, plan)
    runner = TrialRunner(
      ranks: ranks, directory: directory, metric: plan.metric, mode: mode,
      plan: try ThreadPlan(requested: 0, communicator: communicator))
    if communicator.isRankZero {
      console.begin(mode: mode, groups: groups, output: output, results: results)
    }
  }

  /// Runs all trials, or what is left of them. Collective.
  ///
  /// - Parameter stop: A request on any rank stops all of them, each run saved after its step.
  /// - Returns: Success, or stopped.
  /// - Throws: `AgreedError` where the report or a record can not be written, or no trial came to
  ///   anything.
  public func run(until stop: StopRequest) throws -> ExitCode {
    for rung in plan.rungs.indices {
      let hasStopped = try runAll(rung, until: stop)
      guard !hasStopped else {
        try report(.stopped)
        return .stopped
      }
    }
    try report(.finished)
    return .success
  }

  /// Takes all contenders of a rung to its end.
  ///
  /// - Returns: Whether a stop was requested.
  private func runAll(_ rung: Int, until stop: StopRequest) throws -> Bool {
    let pending = results.pending(rung: rung)
    var records: [RunRecord] = []
    var hasStopped = false
    // A group that can not store its records tells the others when all meet.
    let outcome = Result {
      for (index, run) in pending.enumerated()
      where index % ranks.groupCount == ranks.groupIndex {
        hasStopped = try ranks.isStopRequested(stop)
        if hasStopped { break }
        let record = try runner.train(
          run, from: results.record(of: run), until: stop, isLast: rung == plan.rungs.count - 1,
          pausing: pause(of: run, rung: rung))
        try finish(record, of: run, rung: rung)
        records.append(record)
      }
    }
    if case .failure(let error) = outcome, !(error is AgreedError) { throw error }
    try whole.agree { try outcome.get() }
    for record in try ranks.exchange(records) { results.add(record) }
    let stops = try whole.allGather([hasStopped || !results.pending(rung: rung).isEmpty ? 1 : 0])
    return stops.contains([1])
  }

  /// Takes note of a run that has ended for now, and tells of it.
  private func finish(_ record: RunRecord, of run: PlannedRun, rung: Int) throws {
    guard ranks.group.isRankZero else { return }
    if ranks.groupCount == 1 {
      results.add(record)
      // For a reader who looks meanwhile.
      try directory.write(SweepReport(results, state: .running))
    }
    try console.show(record, of: run, rung: rung)
  }

  /// When a run leaves off at a rung.
  private func pause(
    of run: PlannedRun, rung: Int
  ) throws -> (_ step: Int, _ loss: Double?) -> Bool {
    if case .rangeTest = plan.configuration.method {
      return try explosion(in: directory.runDirectory(of: run))
    }
    guard let steps = plan.rungs[rung] else { return { _, _ in false } }
    return { step, _ in step >= steps }
  }

  /// When the loss of a range test has exploded, going by all its steps, those before a stop
  /// included. Collective over the group.
  private func explosion(
    in run: RunDirectory
  ) throws -> (_ step: Int, _ loss: Double?) -> Bool {
    let earlier = try ranks.group.valueFromRankZero {
      try LossHistory(path: run.metricsPath).steps.compactMap(\.loss)
    }
    var smoothing = RangeCurve.Smoothing()
    var count = 0
    return { step, loss in
      while count < min(earlier.count, loss == nil ? step : step - 1) {
        _ = smoothing.record(earlier[count])
        count += 1
      }
      guard let loss else { return false }
      count = step
      return smoothing.hasExploded(smoothing.record(loss))
    }
  }

  // MARK: - Report

  /// Writes `sweep.json` and `sweep.html`, and prints the table. Collective.
  private func report(_ state: SweepReport.State) throws {
    var curve: RangeCurve?
    try whole.onRankZero {
      if case .rangeTest = plan.configuration.method, let run = plan.runs.first {
        curve = RangeCurve(try LossHistory(path: directory.runDirectory(of: run).metricsPath))
      }
      let report = SweepReport(results, state: state, rangeTest: curve)
      try directory.write(report)
      try directory.write(SweepPage(report, plan: plan, directory: directory))
      try console.end(report, directory: directory)
      // A range test is meant to diverge.
      guard state == .stopped || report.best != nil || curve?.lowest != nil else {
        throw NothingFoundError(reason: results.firstReason)
      }
    }
  }
}

/// A search none of whose trials came to an end.
struct NothingFoundError: Error, CustomStringConvertible {
  /// Why the first did not.
  let reason: String?

  var description: String {
    "no trial came to an end" + (reason.map { "; the first: \($0)" } ?? "")
  }
}

extension SweepDirectory {
  func write(_ report: SweepReport) throws {
    try AtomicFile.write(try report.bytes(), to: reportPath)
  }

  func write(_ page: SweepPage) throws {
    try AtomicFile.write(try page.bytes(), to: pagePath)
  }
}

extension SweepPlan {
  /// Reads the files on rank zero. Collective.
  fileprivate init(
    _ path: String, _ overrides: [String], groups: Int, _ communicator: any Communicator
  ) throws {
    let text = try communicator.valueFromRankZero { try RunConfiguration.readText(path: path) }
    let configuration = try communicator.agree {
      let configuration = try SweepConfiguration.parse(
        yaml: text, source: path)
      try configuration.requireNothingSet(by: overrides)
      return configuration
    }
    let base = try communicator.valueFromRankZero {
      try RunConfiguration.readText(path: configuration.base)
    }
    self = try communicator.agree {
      try SweepPlan(
        configuration, base: base, overrides: overrides,
        ranks: (communicator.size + groups - 1) / groups)
    }
  }

  /// Refuses data that can not be opened, and a metric that is not measured on them, before anything
  /// runs. Collective.
  ///
  /// - Returns: What is in the files, on rank zero.
  fileprivate func requireMeasured(
    by ranks: SweepRanks
  ) throws -> [(configuration: RunConfiguration, record: DataRecord?)] {
    var opened: [(configuration: RunConfiguration, record: DataRecord?)] = []
    for configuration in runs.map(\.configuration)
    where !opened.contains(where: { $0.configuration.hasData(of: configuration) }) {
      let record = try ranks.whole.agree {
        let prepared = try configuration.prepareTask(ranks.group)
        let task = prepared.task
        let measured =
          ["loss"]
          + (task.evaluationBatchCount > 0 ? ["validation_loss"] + task.metrics.map(\.key) : [])
        guard measured.contains(metric) else {
          throw SweepError.notMeasured(metric: metric, measured: measured)
        }
        return prepared.data
      }
      opened.append((configuration, record))
    }
    return opened
  }
}

extension RunConfiguration {
  /// Whether another run learns from the same files, and from the same teacher and word vectors.
  fileprivate func hasData(of other: RunConfiguration) -> Bool {
    recipe.data == other.recipe.data && teacher == other.teacher
      && recipe.wordVectors == other.recipe.wordVectors
  }

  private var teacher: String? {
    if case .distillation(let keys) = recipe.loss.kind { keys.teacher } else { nil }
  }
}
