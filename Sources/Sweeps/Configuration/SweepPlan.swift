import LockstepSettings
import LockstepTraining

/// Everything that a search will do, checked: its trials, each with its configuration, and how far
/// they run before they are compared.
package struct SweepPlan: Sendable {
  package let configuration: SweepConfiguration
  package let trials: [Trial]
  /// What trials are compared by.
  package var metric: String {
    if case .rangeTest = configuration.method { "loss" } else { configuration.metric }
  }

  /// The runs of all trials, in their order.
  package private(set) var runs: [PlannedRun]
  /// Optimiser steps after which trials are compared, ascending; nil: at the end of the run.
  package let rungs: [Int?]

  /// - Parameters:
  ///   - configuration: The sweep.
  ///   - base: The text of the configuration that it names.
  ///   - overrides: `key.path=value`, put over the base.
  ///   - ranks: The most ranks that a trial runs on.
  /// - Throws: `ConfigurationError` with everything that is wrong with any trial.
  package init(
    _ configuration: SweepConfiguration, base text: String, overrides: [String], ranks: Int
  ) throws(ConfigurationError) {
    var violations: [Violation] = []
    let tree = RunConfiguration.tree(
      yaml: text, source: configuration.base, overrides: overrides, reporting: &violations)
    guard let tree else { throw ConfigurationError(violations: violations) }
    let trials = configuration.trials
    let folds = configuration.folds.map { Array(0..<$0).map(Optional.some) } ?? [nil]
    var runs: [PlannedRun] = []
    let keys = RunConfiguration.keyDescriptions
    for (trial, fold) in trials.flatMap({ trial in folds.map { (trial, $0) } }) {
      do throws(ConfigurationError) {
        let settings = try configuration.settings(
          of: trial, over: tree, fold: fold.map { ($0, folds.count) }, keys: keys)
        let configuration = try RunConfiguration(
          readFrom: settings, earlier: violations, ranks: ranks)
        try configuration.requireCountedPrivacy()
        runs.append(PlannedRun(trial: trial.number, fold: fold, configuration: configuration))
      } catch {
        // Trials share most of what can be wrong: each place is told of once.
        violations += error.violations.filter { new in
          !violations.contains { $0.origin == new.origin && $0.path == new.path }
        }
      }
    }
    guard violations.isEmpty else { throw ConfigurationError(violations: violations) }
    self.configuration = configuration
    self.trials = trials
    self.runs = runs
    rungs = try configuration.rungs(of: runs.map(\.configuration))
  }
}

extension RunConfiguration {
  /// Refuses private trials: what the choice of the best among many tells of the data is not counted.
  fileprivate func requireCountedPrivacy() throws(ConfigurationError) {
    guard plan.privacy.isOn else { return }
    throw ConfigurationError(violations: [
      Violation(
        .wrongValue(
          found: "a private run",
          expected:
            "none in a sweep: trials on the same data add up, and so does the choice of the "
            + "best, which no accountant here counts; search on public data, and leave privacy out"),
        at: SettingPath(description: "privacy"), origin: nil)
    ])
  }
}

extension SweepPlan {
  /// The plan with relative paths that start from a directory, where the runs name none.
  func starting(from directory: String?) -> SweepPlan {
    var plan = self
    plan.runs = runs.map { run in
      var configuration = run.configuration
      configuration.directory = configuration.directory ?? directory
      return PlannedRun(trial: run.trial, fold: run.fold, configuration: configuration)
    }
    return plan
  }
}

/// One run of a trial.
package struct PlannedRun: Sendable {
  /// The trial's number.
  package let trial: Int
  /// The part of the samples that is held out, from 0; nil where the trial has one run.
  package let fold: Int?
  package let configuration: RunConfiguration

  /// Its directory in the sweep's: `trials/0007`.
  package var name: String {
    let digits = String(trial)
    let trial = "trials/" + String(repeating: "0", count: max(0, 4 - digits.count)) + digits
    return trial + (fold.map { "/fold-\($0)" } ?? "")
  }
}

extension SettingNode {
  /// Makes a configuration hold out a part of the samples that it learns from, instead of
  /// evaluating on other ones.
  fileprivate mutating func holdOut(
    fold: Int, of count: Int, keys: [KeyDescription]
  ) throws(Violation) {
    try set("data.folds.count", to: count.settingNode, keys: keys)
    try set("data.folds.held_out", to: fold.settingNode, keys: keys)
    for key in SweepConfiguration.heldOutKeys where self[key] != nil {
      try set(key, to: SettingNode(.null), keys: keys)
    }
  }
}

extension SweepConfiguration {
  /// A trial's configuration, as if it had been written.
  ///
  /// - Parameters:
  ///   - base: The configuration that all trials start from.
  ///   - fold: Which part of how many is held out; nil: none.
  ///   - keys: Of a run's configuration.
  /// - Throws: `ConfigurationError` where a key that varies would discard what the base says.
  fileprivate func settings(
    of trial: Trial, over base: SettingNode, fold: (index: Int, count: Int)?,
    keys: [KeyDescription]
  ) throws(ConfigurationError) -> SettingNode {
    var settings = base
    do throws(Violation) {
      for (key, value) in values(of: trial) {
        try settings.set(key, to: value, keys: keys)
      }
      if let fold { try settings.holdOut(fold: fold.index, of: fold.count, keys: keys) }
    } catch {
      throw ConfigurationError(violations: [error])
    }
    return settings
  }

  /// The keys of a trial's configuration that are not the base's, a section before its keys.
  private func values(of trial: Trial) -> [(key: String, value: SettingNode)] {
    if case .rangeTest(let test) = method { return test.settings }
    func depth(_ key: String) -> Int { key.split(separator: ".").count }
    return trial.values.enumerated()
      .sorted { (depth($0.element.key), $0.offset) < (depth($1.element.key), $1.offset) }
      .map(\.element)
  }

  fileprivate func rungs(of configurations: [RunConfiguration]) throws(ConfigurationError) -> [Int?]
  {
    guard case .halving(let search) = method else { return [nil] }
    let steps = Set(configurations.map(\.steps))
    guard steps.count == 1, let steps = steps.first else {
      throw ConfigurationError(violations: [
        Violation(
          .syntax("method: halving compares trials of equal length, so `steps` can not vary"),
          at: SettingPath(description: "parameters.steps"), origin: nil)
      ])
    }
    if let first = search.minSteps, first >= steps {
      throw ConfigurationError(violations: [
        Violation(
          .wrongValue(found: "\(first)", expected: "below the configuration's steps (\(steps))"),
          at: SettingPath(description: "min_steps"), origin: nil)
      ])
    }
    return search.rungs(steps: steps).dropLast().map(Optional.some) + [nil]
  }
}
