import Foundation
import LockstepFiles
import LockstepReporting
import LockstepSettings

/// What a search shows to the person or the script that started it.
public final class SweepConsole {
  public enum Style: Sendable {
    case text, json, quiet
  }

  private let style: Style
  private let plan: SweepPlan
  private let output: any TextOutput

  /// - Parameter output: Default: standard output.
  init(_ style: Style, _ plan: SweepPlan, output: (any TextOutput)? = nil) {
    (self.style, self.plan) = (style, plan)
    self.output =
      output
      ?? DescriptorOutput(lossNotice: "lockstep: standard output is closed: the sweep goes on")
  }

  private func line(_ label: String, _ text: String) {
    let padding = String(repeating: " ", count: max(1, 13 - label.count))
    output.write((label + padding + text).visible + "\n")
  }

  // MARK: - Beginning

  func begin(mode: String, groups: Int, output path: String, results: SweepResults) {
    guard style == .text else { return }
    let trials = plan.trials.count
    line("Lockstep", mode + (groups > 1 ? ", in \(groups) groups side by side" : ""))
    line("sweep", "\(plan.configuration.method.variantName) from \(plan.configuration.base)")
    line("trials", Quantity.count(trials) + (runsPerTrial > 1 ? ", \(runsPerTrial) runs each" : ""))
    let better = plan.configuration.metricGoal == .min ? "lower" : "higher"
    line("metric", "\(plan.metric), the \(better) the better")
    let rungs = plan.rungs.compactMap(\.self)
    if !rungs.isEmpty {
      line("rungs", rungs.map(Quantity.count).joined(separator: ", ") + " steps, and all")
    }
    let done = plan.runs.count { results.record(of: $0).state == .finished }
    if done > 0 { line("resumed", "\(Quantity.count(done)) runs are at their end") }
    line("saved in", path)
    output.write("\n")
  }

  private var runsPerTrial: Int { plan.runs.count / plan.trials.count }

  // MARK: - One run

  private struct RunEvent: Encodable {
    let event = "run"
    let trial: Int
    let fold: Int?
    let state: RunRecord.State
    let reason: String?
    let steps: Int?
    let metric: Double?
    let seconds: Double
  }

  /// Tells of a run that has ended for now.
  func show(_ record: RunRecord, of run: PlannedRun, rung: Int) throws {
    let measurement = record.state == .diverged ? nil : record.measurement(rung: rung)
    let metric = measurement?.values[plan.metric]
    switch style {
    case .quiet: break
    case .json:
      try write(
        RunEvent(
          trial: run.trial, fold: run.fold, state: record.state, reason: record.reason,
          steps: measurement?.steps, metric: metric, seconds: record.seconds))
    case .text:
      let total = plan.trials.count
      let keys = plan.configuration.parameters.parameters.map(\.key)
      let shortened = SweepTable.shortened(among: keys)
      let place = "\(run.trial)/\(total)" + (run.fold.map { ", fold \($0)" } ?? "")
      let values = plan.trials[run.trial - 1].values
        .map { "\(shortened($0.key)) \(EncodedSetting($0.value).text)" }
      let outcome: String
      switch record.state {
      case .finished, .paused:
        let steps = measurement.map { "\(Quantity.count($0.steps)) steps in " } ?? ""
        outcome =
          (metric.map { MetricValue(plan.metric, $0).description } ?? "")
          + "   " + steps + Quantity.duration(record.seconds)
      case .diverged, .failed, .stopped:
        outcome = "\(record.state.rawValue): \(record.reason ?? "")"
      }
      line("trial \(place)", (values + [outcome]).joined(separator: "   "))
    }
  }

  private func write(_ event: some Encodable) throws {
    let encoder = JSONFormat.encoder()
    encoder.keyEncodingStrategy = .convertToSnakeCase
    output.write(String(decoding: try encoder.encode(event), as: UTF8.self) + "\n")
  }

  // MARK: - The end

  private struct EndEvent: Encodable {
    let event: String
    let best: Int?
    let metric: Double?
    let report: String
    let page: String
  }

  func end(_ report: SweepReport, directory: SweepDirectory) throws {
    let best = report.best.map { report.trials[$0 - 1] }
    switch style {
    case .quiet: break
    case .json:
      try write(
        EndEvent(
          event: report.state.rawValue, best: report.best, metric: best?.metric,
          report: directory.reportPath, page: directory.pagePath))
    case .text:
      output.write("\n")
      if let curve = report.rangeTest {
        show(curve)
      } else {
        output.write(SweepTable(report).text.visible + "\n")
      }
      if report.state == .stopped {
        line("stopped", "everything is saved, --resume goes on from here")
      } else if let best, report.rangeTest == nil {
        let run = best.runs[0].directory
        let place = best.runs.count > 1 ? run.split(separator: "/").dropLast() : [run[...]]
        line("best", "trial \(best.trial), in \(directory.path)/\(place.joined(separator: "/"))")
      }
      line("report", "\(directory.pagePath), \(directory.reportPath)")
    }
  }

  private func show(_ curve: RangeCurve) {
    guard let lowest = curve.lowest else { return }
    line("lowest loss", "at rate \(Quantity.rate(lowest))")
    if let steepest = curve.steepest, let suggestion = curve.suggestion {
      line("steepest", "at rate \(Quantity.rate(steepest))")
      line("suggestion", "learning rate \(Quantity.rate(suggestion))")
    }
  }
}
