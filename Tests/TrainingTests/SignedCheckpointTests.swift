import Foundation
import LockstepCheckpoints
import LockstepCommunication
import LockstepTraining
import TestSupport
import Testing

/// Checkpoints whose files fit their manifest, and whose contents do not fit the run.
@Suite struct SignedCheckpointTests {
  private let folder: TemporaryDirectory

  init() throws { folder = try TemporaryDirectory() }

  private var checkpoint: SignedCheckpoint { SignedCheckpoint(of: folder.path, step: 4) }

  private func trainer(_ start: Trainer.Start, steps: Int) throws -> Trainer {
    try Trainer(
      task: LinearRegression(), plan: .regression(steps: steps),
      communicator: SoloCommunicator(), directory: RunDirectory(path: folder.path), start: start,
      observers: [])
  }

  private func refusal() throws -> String {
    let error = #expect(throws: AgreedError.self) {
      try trainer(.newestCheckpoint, steps: 6)
    }
    #expect(error?.exitCode == .usage)
    return "\(try #require(error))"
  }

  @Test func whatIsLeftAloneIsResumed() throws {
    _ = try trainer(.beginning, steps: 4).run()
    #expect(try trainer(.newestCheckpoint, steps: 6).stepsTaken == 4)
  }

  @Test func anotherSeedIsRefused() throws {
    _ = try trainer(.beginning, steps: 4).run()
    try checkpoint.changeState("seed", to: 12)
    #expect(try refusal().contains("seed: found 12, expected 1337"))
  }

  @Test(arguments: [5, -1, Int.max, Int.min])
  func anotherStepIsRefused(step: Int) throws {
    _ = try trainer(.beginning, steps: 4).run()
    try checkpoint.changeState("step", to: step)
    #expect(try refusal().contains("state.json: step: found \(step)"))
  }

  @Test func parametersThatAreNotTheManifestsAreRefused() throws {
    _ = try trainer(.beginning, steps: 4).run()
    var manifest = try SealedManifest(of: checkpoint.path)
    manifest.members["parameters_sha256"] = String(repeating: "0", count: 64)
    _ = try checkpoint.write(manifest.members, to: "manifest.json")
    #expect(try refusal().contains("its seal is not that of its members"))
    // What signs this anew is no accident; checking everything finds it all the same.
    try manifest.write(to: checkpoint.path)
    let verification = try RunVerification(path: checkpoint.path)
    #expect(!verification.isSound && "\(verification)".contains("its manifest says 0000"))
  }

  @Test func parametersThatAreNotThoseOfAnEarlierManifestAreRefused() throws {
    _ = try trainer(.beginning, steps: 4).run()
    try SealedManifest.makeFirstVersion(of: checkpoint.path)
    var manifest = try SealedManifest(of: checkpoint.path)
    manifest.members["parameters_sha256"] = String(repeating: "0", count: 64)
    try manifest.write(to: checkpoint.path)
    #expect(try refusal().contains("parameters_sha256"))
  }
}
