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

  private var checkpoint: String { folder.path + "/checkpoints/step-00000004" }

  private func trainer(_ start: Trainer.Start, steps: Int) throws -> Trainer {
    try Trainer(
      task: LinearRegression(), plan: .regression(steps: steps),
      communicator: SoloCommunicator(), directory: RunDirectory(path: folder.path), start: start)
  }

  private func members(_ name: String) throws -> [String: Any] {
    let data = try Data(contentsOf: URL(fileURLWithPath: checkpoint + "/" + name))
    return try #require(JSONSerialization.jsonObject(with: data) as? [String: Any])
  }

  private func write(_ members: [String: Any], to name: String) throws -> Data {
    let data = try JSONSerialization.data(withJSONObject: members)
    try data.write(to: URL(fileURLWithPath: checkpoint + "/" + name))
    return data
  }

  /// Changes `state.json`, and the manifest with it.
  private func changeState(_ key: String, to value: Any) throws {
    var state = try members("state.json")
    state[key] = value
    let data = try write(state, to: "state.json")
    var manifest = try members("manifest.json")
    var files = try #require(manifest["files"] as? [[String: Any]])
    let place = try #require(files.firstIndex { $0["name"] as? String == "state.json" })
    files[place]["sha256"] = sha256(of: Array(data))
    files[place]["bytes"] = data.count
    manifest["files"] = files
    _ = try write(manifest, to: "manifest.json")
  }

  private func refusal() throws -> String {
    let error = #expect(throws: AgreedError.self) {
      try trainer(.newestCheckpoint, steps: 6)
    }
    return "\(try #require(error))"
  }

  @Test func whatIsLeftAloneIsResumed() throws {
    _ = try trainer(.beginning, steps: 4).run()
    #expect(try trainer(.newestCheckpoint, steps: 6).stepsTaken == 4)
  }

  @Test func anotherSeedIsRefused() throws {
    _ = try trainer(.beginning, steps: 4).run()
    try changeState("seed", to: 12)
    #expect(try refusal().contains("seed: found 12, expected 1337"))
  }

  @Test(arguments: [5, -1, Int.max, Int.min])
  func anotherStepIsRefused(step: Int) throws {
    _ = try trainer(.beginning, steps: 4).run()
    try changeState("step", to: step)
    #expect(try refusal().contains("state.json: step: found \(step)"))
  }

  @Test func parametersThatAreNotTheManifestsAreRefused() throws {
    _ = try trainer(.beginning, steps: 4).run()
    var manifest = try members("manifest.json")
    manifest["parameters_sha256"] = String(repeating: "0", count: 64)
    _ = try write(manifest, to: "manifest.json")
    #expect(try refusal().contains("parameters_sha256"))
  }
}
