import Foundation
import LockstepCommunication
import LockstepDatasets
import LockstepFiles
import LockstepReporting
import LockstepTraining
import TestSupport
import Testing

/// What a run leaves where its end goes wrong, and where a longer one goes on from its end.
@Suite struct RunEndingTests {
  private let folder: TemporaryFolder
  private let directory: RunDirectory

  init() throws {
    folder = try TemporaryFolder()
    directory = RunDirectory(path: folder.path + "/run")
  }

  // MARK: - Observers that fail

  /// Fails when it is told of an event that it was made for.
  private final class FailingObserver: RunObserver {
    private let isFatal: (RunEvent) -> Bool

    init(_ isFatal: @escaping (RunEvent) -> Bool) { self.isFatal = isFatal }

    func receive(_ event: RunEvent) throws {
      if isFatal(event) { throw FileError(operation: "write", path: "/full", code: ENOSPC) }
    }
  }

  private struct Outcome: Sendable {
    let message: String
    let names: [String]
  }

  /// Trains the regression for 12 steps on two ranks; rank zero's observer fails.
  ///
  /// - Parameter stopping: The step after which a stop is asked for; nil: none.
  private func train(
    stopping: Int? = nil, failing isFatal: @escaping @Sendable (RunEvent) -> Bool
  ) throws -> [Outcome] {
    let directory = directory
    return try InProcessGroup(size: 2).run { communicator in
      let stop = StopRequest()
      let trainer = try Trainer(
        task: LinearRegression(), plan: .regression(steps: 12), communicator: communicator,
        directory: directory, observers: [])
      let recorder = EventRecorder()
      trainer.attach(recorder)
      if communicator.isRankZero { trainer.attach(FailingObserver(isFatal)) }
      trainer.attach(
        FailingObserver { event in
          if case .step(let record) = event, record.step == stopping {
            stop.request(signal: SIGTERM)
          }
          return false
        })
      do {
        let code = try trainer.run(until: stop)
        return Outcome(message: "exit code \(code.rawValue)", names: recorder.names)
      } catch let error as AgreedError {
        return Outcome(message: "\(error)", names: recorder.names)
      }
    }
  }

  @Test func aLineThatIsLostInTheLastStepBeforeAStopIsTold() throws {
    let outcomes = try train(stopping: 6) { event in
      if case .step(let record) = event { record.step == 7 } else { false }
    }
    #expect(
      outcomes.map(\.message) == ["/full: cannot write: No space left on device", "rank 0 failed"])
    // What could be saved is.
    #expect(try directory.checkpoints.newestComplete().found?.step == 7)
  }

  @Test(arguments: ["step", "evaluation"])
  func aRunWhoseLastLineIsLostIsNotComplete(_ kind: String) throws {
    let outcomes = try train { event in
      switch event {
      case .step(let record): kind == "step" && record.step == 12
      case .evaluation(let record): kind == "evaluation" && record.step == 12
      default: false
      }
    }
    #expect(
      outcomes.map(\.message) == ["/full: cannot write: No space left on device", "rank 0 failed"])
    // Who is told of the end would write summary.json.
    #expect(outcomes.allSatisfy { !$0.names.contains("finished") })
    #expect(try directory.checkpoints.newestComplete().found?.step == 12)
  }

  // MARK: - Whole runs

  /// Trains a small language model as `lockstep train` does.
  private func run(
    steps: Int, ranks: Int = 1, resume: Bool = false, profile: String? = nil, stopping: Int? = nil
  ) throws -> ExitCode {
    let tokens = folder.path + "/train.bin"
    if !FileManager.default.fileExists(atPath: tokens) {
      var generator = SeededGenerator(seed: 4)
      let writer = try TokenFileWriter(path: tokens, vocabularyCount: 29)
      try writer.append((0..<400).map { _ in Int32.random(in: 0..<29, using: &generator) })
      try writer.finish()
    }
    let configuration = try RunConfiguration.parse(
      yaml: "{}", source: "test",
      overrides: [
        "data.train=\(tokens)", "data.validation=null", "data.tokenizer=null",
        "batch.sequences=2", "batch.microbatches=4", "schedule.name=constant",
        "schedule.warmup_steps=0", "steps=\(steps)", "evaluate.every=0", "checkpoint.every=0",
        "model={architecture: gpt, layers: 1, heads: 2, width: 16, context: 16, vocabulary: 29}",
      ])
    let directory = directory
    return try InProcessGroup(size: ranks).run { communicator in
      let run = try TrainingRun(
        configuration: configuration, communicator: communicator, mode: "", directory: directory,
        resume: resume, threads: 1, profile: profile.flatMap { ProfiledSteps($0) })
      try communicator.onRankZero { try run.attach(console: .quiet) }
      let stop = StopRequest()
      if stopping != nil { stop.request(signal: SIGTERM) }
      return try run.run(until: stop)
    }[0]
  }

  private var hasSummary: Bool { FileManager.default.fileExists(atPath: directory.summaryPath) }

  @Test(arguments: [1, 2]) func aRunThatGoesOnIsNotCompleteBeforeItsNewEnd(ranks: Int) throws {
    #expect(try run(steps: 4) == .success)
    #expect(try directory.summary()?.steps == 4)
    let former = try #require(FileManager.default.contents(atPath: directory.summaryPath))

    // Stopped on the way: what the shorter run came to is no longer there.
    #expect(try run(steps: 8, ranks: ranks, resume: true, stopping: 5) == .stopped)
    #expect(!hasSummary)

    // Killed before it wrote what it came to, by a program that left the former summary.
    #expect(try run(steps: 8, ranks: ranks, resume: true) == .success)
    let summary = try #require(try directory.summary())
    #expect(summary.steps == 8)
    try former.write(to: URL(fileURLWithPath: directory.summaryPath))
    #expect(try directory.summary() == nil)
    #expect(try run(steps: 8, ranks: ranks, resume: true) == .success)
    let again = try #require(try directory.summary())
    #expect(again.steps == 8)
    #expect(again.parametersSHA256 == summary.parametersSHA256 && again.loss == summary.loss)

    // And a run that is complete stays as it is.
    let written = FileManager.default.contents(atPath: directory.summaryPath)
    #expect(try run(steps: 8, resume: true) == .success)
    #expect(FileManager.default.contents(atPath: directory.summaryPath) == written)
  }

  @Test func aSummaryWithoutCheckpointsCounts() throws {
    #expect(try run(steps: 4) == .success)
    try FileManager.default.removeItem(atPath: directory.checkpoints.path)
    #expect(try directory.summary()?.steps == 4)
  }

  /// A directory of its name is in the way of the timeline.
  @Test(arguments: ["7-8", "6-6"]) func aTimelineThatCanNotBeWrittenCostsNoCheckpoint(
    steps: String
  ) throws {
    #expect(try run(steps: 4) == .success)
    try FileManager.default.createDirectory(
      atPath: directory.tracePath + "/inside", withIntermediateDirectories: true)
    let error = #expect(throws: AgreedError.self) {
      try run(steps: 8, ranks: 2, resume: true, profile: steps)
    }
    #expect("\(try #require(error))".contains("trace.json"))
    // A timeline in the middle ends the run like a line that is lost; one at the end comes after the save.
    let newest = try #require(directory.checkpoints.newestComplete().found).step
    #expect(newest == (steps == "7-8" ? 8 : 4))
    #expect(!hasSummary)
    #expect(try run(steps: 8, resume: true) == .success)
    #expect(try directory.summary()?.steps == 8)
  }
}
