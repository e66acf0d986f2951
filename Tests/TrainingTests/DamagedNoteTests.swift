import Foundation
import LockstepCommunication
import LockstepSettings
import LockstepTraining
import TestSupport
import Testing

/// Notes of `state.json` that no run can have written, in checkpoints whose hashes agree: to start
/// afresh with what they are of would change the bits without a word, to believe them would crash.
@Suite struct DamagedNoteTests {
  private let folder: TemporaryDirectory

  init() throws { folder = try TemporaryDirectory() }

  private func configuration(_ optimizer: String, steps: Int) throws -> RunConfiguration {
    var configuration = try RunConfiguration.parse(
      yaml: """
        batch: {microbatches: 2}
        model: {vocabulary: 10}
        data: {tokenizer: null}
        checkpoint: {every: 0}
        evaluate: {every: 1}
        early_stopping: {patience: 100}
        average: {name: exponential, decay: 0.5}
        schedule: {name: plateau}
        optimizer: {\(optimizer)}
        """, source: "test")
    configuration.steps = steps
    return configuration
  }

  /// Trains for four steps, or goes on from there; the parameters' hash on each rank, or why not.
  private func outcomes(
    _ optimizer: String, ranks: Int = 1, steps: Int = 4, start: Trainer.Start = .beginning
  ) throws -> [Result<String, any Error>] {
    let configuration = try configuration(optimizer, steps: steps)
    let directory = RunDirectory(path: folder.path)
    return try InProcessGroup(size: ranks).run { communicator in
      Result {
        let trainer = try Trainer(
          task: LinearRegression(), configuration: configuration, communicator: communicator,
          directory: directory, start: start, observers: [])
        _ = try trainer.run()
        return trainer.parametersHash
      }
    }
  }

  @discardableResult
  private func train(
    _ optimizer: String, ranks: Int = 1, steps: Int = 4, start: Trainer.Start = .beginning
  ) throws -> [String] {
    try outcomes(optimizer, ranks: ranks, steps: steps, start: start).map { try $0.get() }
  }

  private var checkpoint: SignedCheckpoint { SignedCheckpoint(of: folder.path, step: 4) }

  private static let sgd = "name: sgd, learning_rate: 0.01, skip_above: 8, skip_window: 2"
  private static let lbfgs = "name: lbfgs, history: 3, clip_norm: 0, learning_rate: 0.01"

  /// - Parameter problem: What the message says behind the note's name.
  private func expectRefusal(
    _ optimizer: String, _ note: String, _ text: String?, _ problem: String
  ) throws {
    try train(optimizer)
    try checkpoint.changeNote(note, to: text)
    for ranks in 1...2 {
      let errors = try outcomes(optimizer, ranks: ranks, steps: 6, start: .newestCheckpoint).map {
        outcome in try #require(throws: AgreedError.self) { try outcome.get() }
      }
      // All ranks end, and one says why.
      #expect(errors.allSatisfy { $0.exitCode == .usage } && errors.map(\.speaks).first == true)
      let message = "\(errors[0])"
      #expect(
        message.hasPrefix("\(checkpoint.path)/state.json: notes.\(note): \(problem)"), "\(message)")
    }
  }

  @Test(arguments: [
    ("plateau", "", "not JSON"), ("plateau", "[]", "found []"),
    ("plateau", "{}", "factor: is missing"),
    ("plateau", #"{"cooldown":0,"factor":2,"withoutImprovement":0}"#, "factor: found 2"),
    ("plateau", #"{"cooldown":0,"factor":"NaN","withoutImprovement":0}"#, "factor: found"),
    (
      "plateau", #"{"cooldown":0,"factor":1,"withoutImprovement":9223372036854775807}"#,
      "withoutImprovement: found 9223372036854775807"
    ),
    (
      "plateau", #"{"cooldown":-9223372036854775808,"factor":1,"withoutImprovement":0}"#,
      "cooldown: found -9223372036854775808"
    ),
    (
      "early_stopping", #"{"best":1,"bestStep":1,"withoutImprovement":9223372036854775807}"#,
      "withoutImprovement: found 9223372036854775807"
    ),
    (
      "early_stopping", #"{"best":"-Infinity","bestStep":1,"withoutImprovement":0}"#, "best: found"
    ),
    ("early_stopping", #"{"best":1,"withoutImprovement":0}"#, "bestStep: found nothing"),
    ("early_stopping", #"{"stoppedAt":-1,"withoutImprovement":0}"#, "stoppedAt: found -1"),
    ("outliers", #"{"loss":{},"norm":{}}"#, "loss.count: is missing"),
    ("has_best", "yes", "found 'yes', expected true or false"),
    ("presented", "worst", "found 'worst', expected average or best"),
    ("evaluation_owed", "1", "found '1', expected true or false"),
  ])
  func notesThatNoRunCanHaveWrittenAreRefused(note: String, text: String, problem: String) throws {
    try expectRefusal(Self.sgd, note, text, problem)
  }

  @Test(arguments: [
    ("count", "9223372036854775807"), ("count", "-1"), ("mean", #""NaN""#), ("mean", "1e300"),
    ("variance", "-1"), ("variance", #""Infinity""#),
  ])
  func statisticsThatWouldOverflowAreRefused(key: String, value: String) throws {
    var statistics = ["count": "4", "mean": "1", "variance": "1"]
    statistics[key] = value
    let members = statistics.map { #""\#($0)":\#($1)"# }.joined(separator: ",")
    try expectRefusal(
      Self.sgd, "outliers", #"{"loss":{\#(members)},"norm":{\#(members)}}"#,
      "loss.\(key): found")
  }

  @Test(
    arguments: [
      ("lbfgs_places", nil), ("lbfgs_places", "3"), ("lbfgs_places", "-1"), ("lbfgs_places", "0 0"),
      ("lbfgs_places", "0 one"), ("lbfgs_places", "9223372036854775808"),
      ("lbfgs_updates", nil), ("lbfgs_updates", "9223372036854775807"), ("lbfgs_updates", "-1"),
      ("lbfgs_last_rate", nil), ("lbfgs_last_rate", "nan"), ("lbfgs_last_rate", "inf"),
      ("lbfgs_last_rate", "-1"),
    ] as [(String, String?)])
  func placesAndCountsOfLBFGSAreRefused(note: String, text: String?) throws {
    try expectRefusal(
      Self.lbfgs, note, text, text.map { "found '\($0)', expected" } ?? "is missing, expected")
  }

  /// The notes at the ends of their ranges do no harm.
  @Test func extremeNotesWithinTheirRangesGoOn() throws {
    try train(Self.sgd)
    let statistics = #"{"count":1000000000000,"mean":1e100,"variance":1e200}"#
    for (note, text) in [
      ("plateau", #"{"best":-1e308,"cooldown":0,"factor":0,"withoutImprovement":1000000000000}"#),
      (
        "early_stopping",
        #"{"best":-1e308,"bestStep":1000000000000,"withoutImprovement":1000000000000}"#
      ),
      ("outliers", #"{"loss":\#(statistics),"norm":\#(statistics)}"#),
    ] { try checkpoint.changeNote(note, to: text) }
    try train(Self.sgd, steps: 6, start: .newestCheckpoint)
    // What such a run writes can be read again.
    try train(Self.sgd, steps: 8, start: .newestCheckpoint)
  }

  @Test(arguments: [sgd, lbfgs], 1...2)
  func healthyNotesGoOnWithTheirBits(optimizer: String, ranks: Int) throws {
    let whole = try train(optimizer, steps: 6)
    try FileManager.default.removeItem(atPath: folder.path + "/checkpoints")
    try train(optimizer, steps: 4)
    #expect(
      try checkpoint.notes().keys.contains(optimizer == Self.lbfgs ? "lbfgs_places" : "outliers"))
    let resumed = try train(optimizer, ranks: ranks, steps: 6, start: .newestCheckpoint)
    #expect(resumed[0] == whole[0])
  }
}
