import ArgumentParser
import Foundation
import LockstepBenchmarking
import LockstepCommunication
import LockstepMPICommunication
import LockstepTraining

struct Doctor: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Shows how this job would run: ranks, binding, threads, libraries, links, speeds.",
    discussion: """
      Start it as you would start a training: mpirun -np 4 lockstep doctor. With a configuration it times \
      some steps on synthetic tokens, and predicts tokens a second on 1 to 64 ranks.
      """)

  @Argument(
    help: "What to predict the speed of: a configuration, YAML, or tiny, small, gpt2, gpt2-long.")
  var source: String?

  @Option(
    name: .customLong("set"),
    help: ArgumentHelp("Overrides one key of the configuration.", valueName: "key.path=value"))
  var assignments: [String] = []

  @Option(
    help: ArgumentHelp(
      "Predicts this finished run's speed by its own configuration, and says how far that is off.",
      valueName: "run"))
  var against: String?

  @Flag(help: "Print one JSON object.")
  var json = false

  func validate() throws {
    guard source == nil || against == nil else {
      throw ValidationError(
        "--against predicts by the run's own configuration: leave the other one out")
    }
    guard assignments.isEmpty || source != nil else {
      throw ValidationError("--set changes a configuration: give one")
    }
  }

  func run() throws {
    Launch.run(over: .mpi) { communicator, launch in
      // What is wrong is known before anything is measured.
      if let against {
        try RunComparison.requireComparable(against, communicator: communicator)
      }
      let benchmark = try (source ?? against.map { RunDirectory(path: $0).configurationPath }).map {
        try BenchmarkCase($0, overrides: assignments, communicator: communicator)
      }
      var result = DoctorResult(
        diagnosis: try Diagnosis(communicator: communicator, launch: launch))
      try communicator.onRankZero {
        if !json { try StandardOutput.print(result.diagnosis) }
      }
      if let benchmark {
        let prediction = try SpeedPrediction(
          benchmark, diagnosis: result.diagnosis, communicator: communicator)
        result.prediction = prediction
        try communicator.onRankZero { if !json { try StandardOutput.print(prediction) } }
        if let against {
          let comparison = try RunComparison(
            of: against, with: prediction, communicator: communicator)
          result.comparison = comparison
          try communicator.onRankZero { if !json { try StandardOutput.print(comparison) } }
        }
      }
      try communicator.onRankZero { if json { try StandardOutput.printJSON(result) } }
      return .success
    }
  }
}

/// The members of the diagnosis, and beside them what else was asked for.
private struct DoctorResult: Encodable {
  let diagnosis: Diagnosis
  var prediction: SpeedPrediction?
  var comparison: RunComparison?

  private enum CodingKeys: CodingKey {
    case prediction, comparison
  }

  func encode(to encoder: any Encoder) throws {
    try diagnosis.encode(to: encoder)
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encodeIfPresent(prediction, forKey: .prediction)
    try container.encodeIfPresent(comparison, forKey: .comparison)
  }
}
