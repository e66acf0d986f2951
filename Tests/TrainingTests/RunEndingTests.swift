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
}
