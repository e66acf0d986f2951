import Foundation
import LockstepCommunication
import LockstepTraining
import Testing

/// A directory belongs to one run, also where the run's task was made in code.
@Suite struct ClaimedDirectoryTests {
  private let folder: TemporaryFolder
  private let directory: RunDirectory

  init() throws {
    folder = try TemporaryFolder()
    directory = RunDirectory(path: folder.path + "/run")
  }

  private struct Outcome: Sendable {
    let error: AgreedError?
    let hash: String?
  }

  /// - Returns: What each rank has.
  private func train(
    ranks: Int = 2, steps: Int, _ plan: Plan = .regression(), identity: String? = nil,
    start: Trainer.Start = .beginning
  ) throws -> [Outcome] {
    var plan = plan
    (plan.steps, plan.checkpoint.every) = (steps, 3)
    let (settings, directory) = (plan, directory)
    return try InProcessGroup(size: ranks).run { communicator in
      do {
        let trainer = try Trainer(
          task: LinearRegression(), plan: settings, identity: identity,
          communicator: communicator, directory: directory, start: start, observers: [])
        _ = try trainer.run()
        return Outcome(error: nil, hash: trainer.parametersHash)
      } catch let error as AgreedError {
        return Outcome(error: error, hash: nil)
      }
    }
  }

  /// Names and times of all that is in the directory.
  private func contents() throws -> [String: Date] {
    let names = try FileManager.default.subpathsOfDirectory(atPath: directory.path)
    return try Dictionary(
      uniqueKeysWithValues: names.map {
        let path = directory.path + "/" + $0
        let attributes = try FileManager.default.attributesOfItem(atPath: path)
        return ($0, try #require(attributes[.modificationDate] as? Date))
      })
  }

  @Test func aNewRunIsNotBegunWhereThereAreCheckpoints() throws {
    #expect(try train(steps: 6).allSatisfy { $0.error == nil })
    let before = try contents()
    let outcomes = try train(steps: 3)
    let error = try #require(outcomes[0].error)
    #expect(
      "\(error)".hasPrefix("\(directory.path) already holds a run, saved at step 6: ")
        && "\(error)".contains("start: .newestCheckpoint"), "\(error)")
    #expect(outcomes.allSatisfy { $0.error?.exitCode == .usage })
    #expect(try contents() == before)
  }

  @Test func aPlanThatIsNotTheCheckpointsIsRefused() throws {
    _ = try train(steps: 3)
    let before = try contents()
    var changed = Plan.regression()
    changed.optimizer.learningRate = 0.2
    for (plan, identity) in [(changed, nil), (.regression(), "another")] {
      let outcomes = try train(steps: 6, plan, identity: identity, start: .newestCheckpoint)
      let error = try #require(outcomes[0].error)
      #expect("\(error)".contains("the checkpoint was made by another plan"), "\(error)")
      #expect(outcomes.allSatisfy { $0.error?.exitCode == .usage })
    }
    #expect(try contents() == before)
    // What decides no bits may change.
    var other = Plan.regression()
    (other.checkpoint.keep, other.threads) = (7, 2)
    let resumed = try train(ranks: 1, steps: 6, other, start: .newestCheckpoint)
    #expect(resumed[0].hash != nil)
    try FileManager.default.removeItem(atPath: directory.path)
    #expect(try train(ranks: 1, steps: 6)[0].hash == resumed[0].hash)
  }

  @Test func aSecondTrainerDoesNotTouchTheFirstOnesDirectory() throws {
    func trainer(_ start: Trainer.Start) throws -> Trainer {
      try Trainer(
        task: LinearRegression(), plan: .regression(), communicator: SoloCommunicator(),
        directory: directory, start: start, observers: [])
    }
    let first = try trainer(.beginning)
    for start in [Trainer.Start.beginning, .newestCheckpoint] {
      let error = #expect(throws: AgreedError.self) { try trainer(start) }
      #expect("\(error as Any)".contains("is in use by another process"))
    }
    _ = try first.run()
  }

  @Test func withoutADirectoryThereIsNothingToGoOnFrom() async {
    await #expect(processExitsWith: .failure) {
      _ = try Trainer(
        task: LinearRegression(), plan: .regression(), communicator: SoloCommunicator(),
        start: .newestCheckpoint, observers: [])
    }
  }
}
