import Foundation
import LockstepCommunication
import LockstepFiles
import LockstepReporting
import LockstepTraining

/// Trains runs on one group of ranks.
final class TrialRunner {
  private let ranks: SweepRanks
  private let directory: SweepDirectory
  private let metric: String
  private let mode: String
  /// Of this rank, among all ranks.
  private let plan: ThreadPlan
  private var group: any Communicator { ranks.group }

  init(
    ranks: SweepRanks, directory: SweepDirectory, metric: String, mode: String, plan: ThreadPlan
  ) {
    (self.ranks, self.directory, self.metric) = (ranks, directory, metric)
    (self.mode, self.plan) = (mode, plan)
  }

  /// Trains a run from wherever it is to its next pause or its end, and stores what came of it.
  /// Collective over the group.
  ///
  /// - Parameters:
  ///   - record: What came of it before.
  ///   - isLast: Whether a pause is the end.
  ///   - isPause: As of `Trainer.run(until:pausing:)`.
  /// - Returns: On the group's rank zero, what has come of it now. An error that ends the run is
  ///   recorded and not thrown.
  /// - Throws: What ends the job; `AgreedError` where the record can not be stored.
  func train(
    _ run: PlannedRun, from record: RunRecord, until stop: StopRequest, isLast: Bool,
    pausing isPause: (_ step: Int, _ loss: Double?) -> Bool
  ) throws -> RunRecord {
    var record = record
    do {
      try train(run, until: stop, pausing: isPause, recordingIn: &record)
    } catch let error as AgreedError {
      if let notFinite = error.underlying as? NotFiniteError {
        (record.state, record.reason) = (.diverged, notFinite.reason)
      } else {
        (record.state, record.reason) = (.failed, try message(of: error))
      }
    } catch let error as CommunicationError {
      // Found by all ranks alike, before anything was allocated.
      guard case .outOfMemory = error else { throw error }
      (record.state, record.reason) = (.failed, "\(error)")
    }
    if record.state == .paused && isLast { record.state = .finished }
    if record.state == .stopped { ranks.announceStop() }
    try group.onRankZero { try directory.store(record, of: run) }
    return record
  }

  private func train(
    _ planned: PlannedRun, until stop: StopRequest,
    pausing isPause: (_ step: Int, _ loss: Double?) -> Bool, recordingIn record: inout RunRecord
  ) throws {
    let directory = directory.runDirectory(of: planned)
    let isBegun = try group.valueFromRankZero {
      try FileSystem.exists(directory.configurationPath)
    }
    let threads = ThreadPlan(
      requested: planned.configuration.threads, processors: plan.processors, sharers: plan.sharers)
    let run = try TrainingRun(
      configuration: planned.configuration, communicator: group, mode: mode,
      directory: directory, resume: isBegun, threads: threads.threads)
    try group.onRankZero {
      try run.attach(console: .quiet)
      run.trainer.attach(SweepRanks.StopObserver(ranks, stop))
    }
    let code = try run.run(until: stop, pausing: isPause)
    record.reason = nil
    guard code != .stopped else {
      record.state = .stopped
      record.reason = "stopped after step \(run.trainer.stepsTaken)"
      return
    }
    record.state = run.trainer.isDone ? .finished : .paused
    try group.onRankZero { try record.measure(run, in: directory, metric: metric) }
  }

  /// What the rank that knows has to say about an error. Collective over the group.
  private func message(of error: AgreedError) throws -> String {
    let words = error.speaks ? Array("\(error)".utf8) : []
    let spoken = try SweepRanks.gather(words, over: group)
    return spoken.first.map { String(decoding: $0, as: UTF8.self) } ?? "\(error)"
  }
}

extension NotFiniteError {
  /// What happened, in words that do not depend on the number of ranks.
  fileprivate var reason: String {
    switch self {
    case .loss(let step, _, let microbatch, let value):
      let kind = value.isNaN ? "not a number" : "infinite"
      return "step \(step): the loss of micro-batch \(microbatch) is \(kind)"
    case .gradient(let step, _, _, _), .gradientNorm(let step, _):
      return "step \(step): the gradient is not finite"
    case .parameter(let step, let name):
      return "step \(step): \(name) is not finite after its update"
    }
  }
}

extension RunRecord {
  /// Takes in what a run that has paused or finished has come to.
  fileprivate mutating func measure(
    _ run: TrainingRun, in directory: RunDirectory, metric: String
  ) throws {
    let trainer = run.trainer
    var values: [String: Double] = [:]
    if trainer.isDone {
      // Also where this process found the run complete.
      let summary = try RunSummary.load(from: directory.summaryPath)
      for metric in summary.metrics { values[metric.key] = metric.value }
      (values["loss"], values["validation_loss"]) = (summary.loss, summary.validationLoss)
      (parametersSHA256, seconds) = (summary.parametersSHA256, summary.seconds)
    } else {
      for metric in trainer.lastEvaluation?.metrics ?? [] { values[metric.key] = metric.value }
      values["loss"] =
        try trainer.lastLoss ?? LossHistory(path: directory.metricsPath).steps.last?.loss
      values["validation_loss"] = trainer.lastEvaluation?.loss
      (parametersSHA256, seconds) = (trainer.parametersHash, trainer.secondsTaken)
    }
    if values[metric]?.isFinite != true {
      (state, reason) = (.diverged, "\(metric) is not a finite number")
    }
    measurements.append(
      Measurement(steps: trainer.stepsTaken, values: values.filter { $0.value.isFinite }))
  }
}
