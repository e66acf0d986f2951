import Foundation
import LockstepCheckpoints
import LockstepSettings
import TestSupport
import Testing

/// `state.json` as any program may have left it.
@Suite struct TrainingStateTests {
  private func json(_ changes: [String: Any]) throws -> [UInt8] {
    var members: [String: Any] = [
      "step": 3, "tokens": 30, "seconds": 1.5, "seed": 7, "notes": ["a": "b"],
      "configuration_sha256": String(repeating: "a", count: 64),
    ]
    for (key, value) in changes { members[key] = value }
    return Array(try JSONSerialization.data(withJSONObject: members))
  }

  private func problems(_ changes: [String: Any]) throws -> [String] {
    let bytes = try json(changes)
    do throws(DescriptionError) {
      _ = try TrainingState(description: bytes, path: "state.json")
      return []
    } catch {
      return error.problems
    }
  }

  @Test func whatARunCanHaveComeToIsRead() throws {
    let state = try TrainingState(
      description: json(["best_validation_loss": 0.5, "best_step": 2]), path: "state.json")
    #expect(state.step == 3 && state.tokens == 30 && state.seed == 7)
    #expect(state.notes == ["a": "b"] && state.bestStep == 2)
  }

  static let impossible: [(String, any Sendable)] = [
    ("step", Int.max), ("step", Int.min), ("step", -1), ("step", 1.5), ("step", "3"),
    ("step", true), ("tokens", -1), ("tokens", 1e300), ("tokens", Int.max), ("seconds", -1),
    ("seconds", "1"),
    ("seed", -1), ("seed", 1.5), ("configuration_sha256", ""), ("configuration_sha256", 7),
    ("best_step", 4), ("best_step", -1), ("best_validation_loss", "low"), ("notes", [1]),
    ("notes", ["a": [1]]),
  ]

  @Test(arguments: impossible)
  func whatNoRunCanHaveComeToIsRefusedByItsKey(key: String, value: any Sendable) throws {
    let found = try problems([key: value])
    #expect(found.count == 1 && found.first?.hasPrefix(key) == true, "\(found)")
  }

  @Test func everythingIsToldAtOnceAndWhatIsMissingToo() throws {
    let error = #expect(throws: DescriptionError.self) {
      try TrainingState(description: #"{"step": -1, "seed": 1, "notes": {}}"#.utf8, path: "s.json")
    }
    let keys = error?.problems.compactMap { $0.split(separator: ":").first.map(String.init) }
    #expect(keys == ["tokens", "seconds", "configuration_sha256", "step"])
    for text in ["", "[1]", "{", "7", "nul"] {
      #expect(throws: DescriptionError.self) {
        try TrainingState(description: text.utf8, path: "s.json")
      }
    }
  }

  @Test func aStepThatIsNotItsCheckpointsIsRefused() throws {
    let temporary = try TemporaryDirectory()
    let directory = CheckpointDirectory(path: temporary.path)
    let checkpoint = try withSnapshot(step: 7) { try directory.write($0) }
    #expect(try checkpoint.state().step == 7)
    try Data(json(["step": 8])).write(to: URL(fileURLWithPath: checkpoint.path + "/state.json"))
    let error = #expect(throws: CheckpointError.self) { try checkpoint.state() }
    #expect("\(error as Any)".contains("step: found 8, expected 7"))
  }
}
