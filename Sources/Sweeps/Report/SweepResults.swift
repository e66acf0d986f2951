import LockstepSettings

/// What trials have come to, and which are better.
package struct SweepResults {
  package let plan: SweepPlan
  private let runs: [Int: [PlannedRun]]
  private var records: [String: RunRecord]

  package init(_ plan: SweepPlan, records: [RunRecord]) {
    self.plan = plan
    runs = Dictionary(grouping: plan.runs, by: \.trial)
    self.records = [:]
    for record in records { add(record) }
  }

  private static func key(_ trial: Int, _ fold: Int?) -> String { "\(trial)/\(fold ?? 0)" }

  package mutating func add(_ record: RunRecord) {
    records[Self.key(record.trial, record.fold)] = record
  }

  /// What came of a run; one that has not begun has a record that says nothing.
  package func record(of run: PlannedRun) -> RunRecord {
    records[Self.key(run.trial, run.fold)] ?? RunRecord(run)
  }

  func runs(of trial: Int) -> [PlannedRun] { runs[trial] ?? [] }

  // MARK: - Figures

  /// A trial's metric: of its run, or over its runs.
  package struct Figure: Equatable {
    package let mean: Double
    /// The standard deviation of the runs, √(Σ (x - mean)² / (n - 1)); nil for a single run.
    package let deviation: Double?

    package init(_ values: [Double]) {
      let mean = values.reduce(0, +) / Double(values.count)
      self.mean = mean
      let squares = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
      deviation = values.count > 1 ? (squares / Double(values.count - 1)).squareRoot() : nil
    }
  }

  /// A trial's metric at the end of a rung; nil where one of its runs has not come so far.
  func figure(of trial: Int, rung: Int) -> Figure? {
    let runs = runs(of: trial)
    let values = runs.compactMap { record(of: $0).measurement(rung: rung)?.values[plan.metric] }
    return values.count == runs.count ? Figure(values) : nil
  }

  // MARK: - Rungs

  /// Trials from the best to the worst of those that have come to the end of a rung; of equal ones
  /// the one of the lower number first.
  private func ranking(of trials: [Int], rung: Int) -> [Int] {
    let goal = plan.configuration.metricGoal
    let figures = trials.compactMap { trial in
      figure(of: trial, rung: rung).map { (trial: trial, value: $0.mean) }
    }
    return figures.sorted { one, other in
      one.value == other.value
        ? one.trial < other.trial : goal.prefers(one.value, to: other.value)
    }.map(\.trial)
  }

  /// The trials that run in a rung: all in the first, then the best of those before.
  package func contenders(rung: Int) -> [Int] {
    guard rung > 0 else { return plan.trials.map(\.number) }
    let before = contenders(rung: rung - 1)
    guard case .halving(let search) = plan.configuration.method else { return before }
    let count = max(1, before.count / search.eta)
    return ranking(of: before, rung: rung - 1).prefix(count).sorted()
  }

  /// The runs that still have to go on to the end of a rung.
  package func pending(rung: Int) -> [PlannedRun] {
    contenders(rung: rung).flatMap(runs(of:)).filter { record(of: $0).isPending(rung: rung) }
  }

  // MARK: - What there is to tell

  /// The last rung whose end a trial has reached; nil where it has reached none.
  func lastRung(of trial: Int) -> Int? {
    plan.rungs.indices.last { figure(of: trial, rung: $0) != nil }
  }

  private func has(_ trial: Int, _ state: RunRecord.State) -> Bool {
    runs(of: trial).contains { record(of: $0).state == state }
  }

  /// All trials that reached the end of a rung and have neither diverged nor failed: those that came farthest
  /// first, of these the better.
  package var ranking: [Int] {
    let reached = Dictionary(
      grouping: plan.trials.map(\.number).filter { !has($0, .diverged) && !has($0, .failed) }
    ) { lastRung(of: $0) ?? -1 }
    return plan.rungs.indices.reversed().flatMap { rung in
      ranking(of: reached[rung] ?? [], rung: rung)
    }
  }

  /// What a trial has come to.
  package enum State: String, Encodable {
    case finished
    /// Worse than others at the end of a rung.
    case pruned
    case diverged
    case failed
    /// Not at its end yet.
    case open
  }

  package func state(of trial: Int) -> State {
    if has(trial, .diverged) { return .diverged }
    if has(trial, .failed) { return .failed }
    if runs(of: trial).allSatisfy({ record(of: $0).state == .finished }) { return .finished }
    guard let rung = lastRung(of: trial), rung + 1 < plan.rungs.count else { return .open }
    // Which trials go on is known when all have come to the end of the rung.
    let isDecided = pending(rung: rung).isEmpty
    return isDecided && !contenders(rung: rung + 1).contains(trial) ? .pruned : .open
  }

  /// Why the first trial that did not come to its end did not.
  var firstReason: String? { plan.trials.lazy.compactMap { reason(of: $0.number) }.first }

  func reason(of trial: Int) -> String? {
    runs(of: trial).lazy.compactMap { record(of: $0).reason }.first
  }
}
