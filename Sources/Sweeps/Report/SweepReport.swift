import Foundation
import LockstepFiles
import LockstepSettings
import LockstepTraining

/// The content of `sweep.json`.
///
/// Two sweeps of the same file on the same data have equal reports but for `seconds`, whatever the
/// number of ranks and groups.
package struct SweepReport: Encodable {
  /// `running`, `stopped` by a signal, or `finished`.
  package enum State: String, Encodable { case running, stopped, finished }

  package struct Trial: Encodable {
    package let trial: Int
    /// Values of the trial, by the configuration's keys.
    package let parameters: [String: EncodedSetting]
    package let state: SweepResults.State
    /// Why it diverged or failed.
    package let reason: String?
    /// The metric at the end of the last rung that the trial reached.
    package let metric: Double?
    /// Over the folds.
    package let deviation: Double?
    /// The metric at the end of each rung that it reached.
    package let rungs: [Rung]
    package let runs: [Run]
  }

  package struct Rung: Encodable {
    package let steps: Int
    package let metric: Double
  }

  package struct Run: Encodable {
    /// In the sweep's directory.
    package let directory: String
    package let fold: Int?
    /// Everything measured at the last rung that it reached, by name.
    package let measured: [String: Double]?
    /// The hash of the parameters at that moment.
    package let parametersSHA256: String?
    /// Spent in optimiser steps.
    package let seconds: Double

    enum CodingKeys: String, CodingKey {
      case directory, fold, measured, seconds
      case parametersSHA256 = "parameters_sha256"
    }
  }

  package let method: String
  package let metric: String
  package let goal: Goal
  package let state: State
  /// The keys that vary, in their order.
  package let keys: [String]
  /// The numbers of all trials that were measured and have neither diverged nor failed, the best first.
  package let ranking: [Int]
  package let trials: [Trial]
  package let rangeTest: RangeCurve?

  /// The number of the best trial; nil where a sweep has finished and no trial has.
  package var best: Int? {
    ranking.first { state != .finished || trials[$0 - 1].state == .finished }
  }

  package init(_ results: SweepResults, state: State, rangeTest: RangeCurve? = nil) {
    let plan = results.plan
    method = plan.configuration.method.variantName
    metric = plan.metric
    goal = plan.configuration.metricGoal
    self.state = state
    keys = plan.configuration.parameters.parameters.map(\.key)
    ranking = results.ranking
    trials = plan.trials.map { Trial($0, results) }
    self.rangeTest = rangeTest
  }

  /// Two-space indentation, keys in alphabetical order, a newline at the end.
  package func bytes() throws -> [UInt8] {
    let encoder = JSONFormat.encoder(isIndented: true)
    encoder.keyEncodingStrategy = .convertToSnakeCase
    return Array(try encoder.encode(self)) + [UInt8(ascii: "\n")]
  }
}

extension SweepReport.Trial {
  fileprivate init(_ trial: Trial, _ results: SweepResults) {
    self.trial = trial.number
    parameters = Dictionary(
      uniqueKeysWithValues: trial.values.map { ($0.key, EncodedSetting($0.value)) })
    state = results.state(of: trial.number)
    reason = results.reason(of: trial.number)
    let reached = results.plan.rungs.indices.compactMap { rung in
      results.figure(of: trial.number, rung: rung).map { (rung: rung, figure: $0) }
    }
    metric = reached.last?.figure.mean
    deviation = reached.last?.figure.deviation
    let runs = results.runs(of: trial.number)
    rungs = reached.compactMap { rung, figure in
      let steps = runs.compactMap { results.record(of: $0).measurement(rung: rung)?.steps }.max()
      return steps.map { SweepReport.Rung(steps: $0, metric: figure.mean) }
    }
    self.runs = runs.map { run in
      let record = results.record(of: run)
      return SweepReport.Run(
        directory: run.name, fold: run.fold, measured: record.measurements.last?.values,
        parametersSHA256: record.parametersSHA256, seconds: record.seconds)
    }
  }
}

/// A setting as JSON: numbers, truth values, texts, lists and objects.
package struct EncodedSetting: Encodable {
  private let node: SettingNode

  package init(_ node: SettingNode) { self.node = node }

  /// On one line, as YAML.
  package var text: String { YAMLWriter.inline(node) }

  private struct Key: CodingKey {
    let stringValue: String
    var intValue: Int? { nil }
    init(stringValue: String) { self.stringValue = stringValue }
    init?(intValue: Int) { nil }
  }

  package func encode(to encoder: any Encoder) throws {
    switch node.content {
    case .list(let nodes):
      var container = encoder.unkeyedContainer()
      for node in nodes { try container.encode(EncodedSetting(node)) }
    case .map(let entries):
      var container = encoder.container(keyedBy: Key.self)
      for entry in entries {
        try container.encode(EncodedSetting(entry.value), forKey: Key(stringValue: entry.key))
      }
    case .null:
      var container = encoder.singleValueContainer()
      try container.encodeNil()
    case .text(let text):
      var container = encoder.singleValueContainer()
      try container.encode(text)
    case .plain(let text):
      var container = encoder.singleValueContainer()
      if let value = Int(scalar: text, isQuoted: false) {
        try container.encode(value)
      } else if let value = Double(scalar: text, isQuoted: false) {
        try container.encode(value)
      } else if let value = Bool(text) {
        try container.encode(value)
      } else {
        try container.encode(text)
      }
    }
  }
}
