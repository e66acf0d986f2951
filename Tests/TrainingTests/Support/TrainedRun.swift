import LockstepCommunication
import LockstepReporting
import LockstepTraining
import Testing

/// What came of a run.
struct TrainedRun: Sendable, Equatable {
  /// `parameters_sha256`.
  let hash: String
  /// Names of the parameters that training changed, in the model's order.
  let changed: [String]
  /// Numbers that are trained.
  let trainedCount: Int
  /// Numbers that are kept as floats.
  let floatCount: Int
  /// Of each step.
  let losses: [Double]
  /// Of each step's gradient, before it is clipped.
  let norms: [Double]
  /// The last evaluation; nil: there was none.
  let measured: EvaluationResult?
  let notices: [String]

  /// Of the validation data; NaN without an evaluation.
  var loss: Double { measured?.loss ?? .nan }
  /// Of the validation data.
  var metrics: [MetricValue] { measured?.metrics ?? [] }
}

extension TemporaryFolder {
  /// Trains on ranks that are threads, and expects that all end with the same parameters.
  ///
  /// - Parameters:
  ///   - name: Of the run's directory in this folder; nil: nothing is saved.
  ///   - steps: In place of the configuration's.
  /// - Returns: What rank zero has.
  func train(
    _ configuration: RunConfiguration, ranks: Int = 1, in name: String? = nil,
    resume: Bool = false, steps: Int? = nil
  ) throws -> TrainedRun {
    let directory = name.map { RunDirectory(path: path + "/" + $0) }
    let runs = try InProcessGroup(size: ranks).run { communicator in
      var configuration = configuration
      if let steps { configuration.steps = steps }
      let run = try TrainingRun(
        configuration: configuration, communicator: communicator, mode: "", directory: directory,
        resume: resume, threads: 1)
      return try run.recorded()
    }
    for run in runs { #expect(run.hash == runs[0].hash) }
    return runs[0]
  }
}

extension TrainingRun {
  /// Trains to the end.
  fileprivate func recorded() throws -> TrainedRun {
    let replica = trainer.replica
    let entries = replica.parameters.entries
    func values() -> [[Float]] { entries.map { Array(replica.shared.values[$0.range]) } }
    let recorder = EventRecorder()
    trainer.attach(recorder)
    let before = values()
    _ = try run(until: StopRequest())
    let after = values()
    var (steps, notices): ([StepRecord], [String]) = ([], [])
    for event in recorder.events {
      if case .step(let record) = event { steps.append(record) }
      if case .notice(let text) = event { notices.append(text) }
    }
    return TrainedRun(
      hash: trainer.parametersHash,
      changed: entries.indices.filter { before[$0] != after[$0] }.map { entries[$0].name },
      trainedCount: replica.parameters.trainedParameterCount,
      floatCount: replica.parameters.flatCount, losses: steps.map(\.loss),
      norms: steps.map(\.gradientNorm), measured: trainer.lastEvaluation, notices: notices)
  }
}
