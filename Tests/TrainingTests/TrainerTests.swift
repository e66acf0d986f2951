import Foundation
import LockstepCheckpoints
import LockstepCommunication
import LockstepFiles
import LockstepReporting
import LockstepTensors
import LockstepTraining
import Testing

/// The library as a user of it sees it: a module and a task of one's own.
struct TrainerTests {
  /// Trains the regression on ranks that are threads.
  ///
  /// - Returns: Each rank's hash of the parameters, and its weight and bias.
  private func train(
    ranks: Int, ranksPerHost: Int? = nil, steps: Int = 40,
    reduction: ReductionMethod = .canonical, directory: RunDirectory? = nil,
    start: Trainer.Start = .beginning
  ) throws -> [(hash: String, parameters: [Float])] {
    var plan = Plan.regression(steps: steps)
    plan.reduction = reduction
    let settings = plan
    let group = try InProcessGroup(size: ranks, ranksPerHost: ranksPerHost)
    return try group.run { communicator in
      let task = LinearRegression()
      let trainer = try Trainer(
        task: task, plan: settings, communicator: communicator, directory: directory,
        start: start, observers: [])
      _ = try trainer.run()
      let linear = task.plane.linear
      return Outcome(
        hash: trainer.parametersHash,
        parameters: linear.weight.tensor.elements + (linear.bias?.tensor.elements ?? []))
    }.map { ($0.hash, $0.parameters) }
  }

  private struct Outcome: Sendable {
    let hash: String
    let parameters: [Float]
  }

  @Test(arguments: [(2, 2), (2, 1), (3, 3), (3, 1), (4, 2), (5, 5)])
  func aTaskOfOnesOwnTrainsToTheSameBitsOnAnyNumberOfRanks(
    ranks: Int, ranksPerHost: Int
  ) throws {
    let alone = try train(ranks: 1)[0]
    for rank in try train(ranks: ranks, ranksPerHost: ranksPerHost) {
      #expect(rank.hash == alone.hash)
    }
  }

  @Test func aTaskOfOnesOwnLearns() throws {
    let learned = try train(ranks: 2, steps: 400)[0].parameters
    // Weight decay pulls a little.
    for (value, expected) in zip(learned, [2, -3, 1, 0.5] as [Float]) {
      #expect(abs(value - expected) < 0.1, "\(learned)")
    }
  }

  @Test(arguments: [ReductionMethod.canonical, .canonicalInt8])
  func aRunThatIsResumedOnOtherRanksEqualsTheUninterrupted(reduction: ReductionMethod) throws {
    let folder = try TemporaryFolder()
    let directory = RunDirectory(path: folder.path)
    let whole = try train(ranks: 1, reduction: reduction)[0].hash
    _ = try train(
      ranks: 3, ranksPerHost: 1, steps: 17, reduction: reduction, directory: directory)
    let resumed = try train(
      ranks: 2, reduction: reduction, directory: directory, start: .newestCheckpoint)
    #expect(resumed[0].hash == whole)
    let manifest = try #require(directory.checkpoints.newestComplete().found).manifest
    #expect(manifest.step == 40)
    #expect(manifest.parametersSHA256 == whole)
  }

  /// A run of 20 steps with checkpoints of steps 10 and 20, of which some are spoiled.
  private func resume(
    _ spoil: (CheckpointDirectory) throws -> Void
  ) throws -> (error: AgreedError?, steps: [Int]) {
    let folder = try TemporaryFolder()
    let directory = RunDirectory(path: folder.path)
    for steps in [10, 20] {
      _ = try train(ranks: 1, steps: steps, directory: directory, start: .newestCheckpoint)
    }
    try spoil(directory.checkpoints)
    let error: AgreedError?
    do {
      _ = try train(ranks: 1, directory: directory, start: .newestCheckpoint)
      error = nil
    } catch let agreed as AgreedError {
      error = agreed
    }
    return (error, try directory.checkpoints.steps())
  }

  private func rewrite(_ path: String, _ change: (String) -> String) throws {
    let text = try String(contentsOfFile: path, encoding: .utf8)
    try change(text).write(toFile: path, atomically: true, encoding: .utf8)
  }

  @Test func aRunWhoseCheckpointsCanNotBeReadIsNotBegunAnew() throws {
    let found = try resume { checkpoints in
      try rewrite(checkpoints.path(ofStep: 10) + "/manifest.json") { _ in "{" }
      try FileManager.default.removeItem(
        atPath: checkpoints.path(ofStep: 20) + "/model.safetensors")
    }
    let error = try #require(found.error)
    #expect(error.exitCode == .usage)
    for text in ["none of the run's 2 checkpoints", "step-00000010", "step-00000020"] {
      #expect("\(error)".contains(text), "\(error)")
    }
    #expect(found.steps == [10, 20])
  }

  @Test(arguments: ["later", "unreadable"]) func whatMayBeWholeIsNotPassedOver(
    _ kind: String
  ) throws {
    let found = try resume { checkpoints in
      let manifest = checkpoints.path(ofStep: 20) + "/manifest.json"
      if kind == "later" {
        try rewrite(manifest) { $0.replacing(#""version" : 2"#, with: #""version" : 3"#) }
      } else {
        // Not even root can read a folder as a file.
        try FileManager.default.removeItem(atPath: manifest)
        try FileManager.default.createDirectory(
          atPath: manifest, withIntermediateDirectories: false)
      }
    }
    let error = try #require(found.error)
    #expect(error.exitCode == .usage)
    #expect("\(error)".contains("to go on from step 10"))
    #expect("\(error)".contains(kind == "later" ? "format version 3" : "can not be read"))
    #expect(found.steps == [10, 20])
  }

  @Test func aDamagedCheckpointIsPassedOver() throws {
    let found = try resume { checkpoints in
      try rewrite(checkpoints.path(ofStep: 20) + "/manifest.json") { _ in "" }
    }
    #expect(found.error == nil)
    #expect(found.steps.last == 40)
  }

  @Test func eventsComeInOrder() throws {
    let folder = try TemporaryFolder()
    let names = try InProcessGroup(size: 2).run { communicator in
      let trainer = try Trainer(
        task: LinearRegression(), plan: .regression(), communicator: communicator,
        directory: RunDirectory(path: folder.path), observers: [])
      let recorder = EventRecorder()
      trainer.attach(recorder)
      _ = try trainer.run()
      return recorder.names
    }
    for names in names {
      let others = names.filter { !$0.hasPrefix("checkpoint") }
      let expected = (1...40).flatMap { step in
        ["step \(step)"] + ([15, 30, 40].contains(step) ? ["evaluation \(step)"] : [])
      }
      #expect(others == ["started"] + expected + ["finished"])
    }
    // Writing takes its time: a checkpoint may be complete some steps later, but never too early.
    let onRankZero = names[0]
    for step in [10, 20, 30, 40] {
      let written = try #require(onRankZero.firstIndex(of: "checkpoint \(step)"))
      #expect(written > (try #require(onRankZero.firstIndex(of: "step \(step)"))))
    }
    #expect(!names[1].contains { $0.hasPrefix("checkpoint") })
  }

  @Test(arguments: [1, 2, 3])
  func aLossThatIsNotFiniteStopsAllRanksAndNothingOfItIsSaved(ranks: Int) throws {
    let folder = try TemporaryFolder()
    let directory = RunDirectory(path: folder.path)
    let outcomes = try InProcessGroup(size: ranks).run { communicator in
      var plan = Plan.regression()
      plan.checkpoint.every = 1
      let task = LinearRegression { loss, step, microbatch in
        step + 1 == 7 && microbatch == 3 ? loss * .nan : loss
      }
      let trainer = try Trainer(
        task: task, plan: plan, communicator: communicator,
        directory: directory, observers: [])
      let recorder = EventRecorder()
      trainer.attach(recorder)
      do {
        _ = try trainer.run()
      } catch let error as AgreedError {
        return Failure(
          message: "\(error)", speaks: error.speaks, exitCode: error.exitCode,
          hash: trainer.parametersHash, names: recorder.names)
      }
      throw Missing()
    }
    let owner = try #require(
      (0..<ranks).first { (($0 * 5 / ranks)..<(($0 + 1) * 5 / ranks)).contains(3) })
    for (rank, outcome) in outcomes.enumerated() {
      #expect(
        outcome.message.hasPrefix(
          "step 7: the loss of micro-batch 3 on rank \(owner) is not a number"),
        "\(outcome.message)")
      #expect(outcome.speaks == (rank == 0))
      #expect(outcome.exitCode == .failure)
      #expect(outcome.names.contains("step 6") && !outcome.names.contains("step 7"))
      #expect(outcome.hash == outcomes[0].hash)
    }
    let newest = try #require(directory.checkpoints.newestComplete().found)
    #expect(newest.step == 6)
    #expect(newest.manifest.parametersSHA256 == outcomes[0].hash, "parameters are those of step 6")
  }

  private struct Failure: Sendable {
    let message: String
    let speaks: Bool
    let exitCode: ExitCode
    let hash: String
    let names: [String]
  }

  private struct Missing: Error {}

  @Test(arguments: [1, 2, 5])
  func aGradientThatIsNotFiniteBehindAFiniteLossIsFoundToo(ranks: Int) throws {
    let outcomes = try InProcessGroup(size: ranks).run { communicator in
      let task = LinearRegression { loss, step, microbatch in
        // Adds zero; its derivative is 0 · 1e30 · 1e30, and 1e60 is no float.
        step + 1 == 3 && microbatch == 4 ? loss + loss * 0 * 1e30 * 1e30 : loss
      }
      let trainer = try Trainer(
        task: task, plan: .regression(), communicator: communicator, observers: [])
      do { _ = try trainer.run() } catch let error as AgreedError {
        return ("\(error)", trainer.stepsTaken)
      }
      return ("no error", trainer.stepsTaken)
    }
    for (message, stepsTaken) in outcomes {
      #expect(
        message.hasPrefix("step 3: the gradient of linear.")
          && message.contains("rank \(ranks - 1)"),
        "\(message)")
      #expect(stepsTaken == 2)
    }
  }

  @Test func anObserverThatFailsEndsTheRunOnAllRanks() throws {
    let messages = try InProcessGroup(size: 3).run { communicator in
      let trainer = try Trainer(
        task: LinearRegression(), plan: .regression(), communicator: communicator, observers: [])
      if communicator.isRankZero { trainer.attach(FailingObserver()) }
      do { _ = try trainer.run() } catch let error as AgreedError { return "\(error)" }
      return "no error"
    }
    #expect(messages[0] == "/full: cannot write: No space left on device")
    #expect(messages[1...].allSatisfy { $0 == "rank 0 failed" })
  }

  private final class FailingObserver: RunObserver {
    func receive(_ event: RunEvent) throws {
      if case .step(let record) = event, record.step == 4 {
        throw FileError(operation: "write", path: "/full", code: ENOSPC)
      }
    }
  }

  @Test(arguments: [1, 3])
  func withoutMemoryForCopiesCheckpointsAreTheSameAndItIsSaidOnce(ranks: Int) throws {
    let outcomes = try [false, true].map { isScarce in
      let folder = try TemporaryFolder()
      let directory = RunDirectory(path: folder.path)
      let notices = try InProcessGroup(size: ranks).run { communicator in
        let trainer = try Trainer(
          task: LinearRegression(), plan: .regression(), communicator: communicator,
          directory: directory, observers: [])
        if isScarce { trainer.checkpoints?.writer?.availableMemory = { 0 } }
        let recorder = EventRecorder()
        trainer.attach(recorder)
        _ = try trainer.run()
        return recorder.names.filter { $0.contains("no memory for a copy") }
      }
      #expect(notices.allSatisfy { $0.count == (isScarce ? 1 : 0) }, "\(notices)")
      return try directory.checkpoints.steps().map { step in
        let manifest = try Checkpoint(path: directory.checkpoints.path(ofStep: step)).manifest
        // The state has seconds.
        return manifest.files.filter { $0.name != "state.json" }
      }
    }
    #expect(outcomes[0].count > 1)
    #expect(outcomes[0] == outcomes[1])
  }

  @Test func moreRanksThanMicrobatchesAreRefused() throws {
    let error = #expect(throws: AgreedError.self) {
      try Trainer(
        task: LinearRegression(), plan: .regression(microbatches: 0),
        communicator: SoloCommunicator(), observers: [])
    }
    #expect(try #require(error).exitCode == .usage)
    #expect("\(try #require(error))".contains("batch.microbatches"))
  }

  @Test func aRequestToStopOnAnyRankStopsAllAfterTheSameStep() throws {
    let folder = try TemporaryFolder()
    let steps = try InProcessGroup(size: 3).run { communicator in
      let stop = StopRequest()
      let trainer = try Trainer(
        task: LinearRegression(), plan: .regression(), communicator: communicator,
        directory: RunDirectory(path: folder.path), observers: [])
      if communicator.rank == 2 { trainer.attach(StoppingObserver(stop)) }
      let code = try trainer.run(until: stop)
      return code == .stopped ? trainer.stepsTaken : -1
    }
    #expect(steps == [10, 10, 10], "asked for after step 9")
    let newest = try RunDirectory(path: folder.path).checkpoints.newestComplete().found
    #expect(newest?.step == 10)
  }

  private final class StoppingObserver: RunObserver {
    private let stop: StopRequest

    init(_ stop: StopRequest) { self.stop = stop }

    func receive(_ event: RunEvent) {
      if case .step(let record) = event, record.step == 9 { stop.request(signal: SIGTERM) }
    }
  }
}
