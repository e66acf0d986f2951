import Foundation
import LockstepCheckpoints
import LockstepModels
import LockstepSettings
import LockstepTensors
import LockstepTraining
import LockstepWeights
import TestSupport
import Testing

/// Descriptions of models that say what can not be.
@Suite struct DescribedModelTests {
  private static let fixtures = URL(fileURLWithPath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent()
    .appending(path: "Fixtures/ForeignModels")

  /// Values that no member of a description has.
  private static let hostile: [any Sendable] = [
    0, -1, 1.5, 3, 1e300, -1e-300, 1 << 31, 1 << 62, Int.min, true, "12", "", [] as [Int],
    ["a": 1] as [String: Int], NSNull(),
  ]

  /// A copy of a fixture whose `config.json` is changed.
  private func copy(
    _ name: String, _ change: (inout [String: Any]) -> Void
  ) throws -> TemporaryDirectory {
    let folder = try TemporaryDirectory()
    let source = Self.fixtures.appending(path: name)
    for file in try FileManager.default.contentsOfDirectory(atPath: source.path) {
      try FileManager.default.copyItem(
        atPath: source.appending(path: file).path, toPath: folder.path + "/" + file)
    }
    let path = URL(fileURLWithPath: folder.path + "/config.json")
    var members = try #require(
      JSONSerialization.jsonObject(with: Data(contentsOf: path)) as? [String: Any])
    change(&members)
    try JSONSerialization.data(withJSONObject: members).write(to: path)
    return folder
  }

  /// Opens a model and computes with it.
  private func logits(of path: String) throws -> [Float] {
    let trained = try TrainedModel.open(path, in: Workspace())
    let tokens = Indices([1, 2, 3], shape: [1, 3])
    return try trained.workspace.withoutRecording {
      switch trained.model {
      case .maskedLanguage(let model):
        let states = model.headStates(of: tokens, at: PredictedPositions(tokens))
        return model.logits(ofHeadStates: states).elements
      default: return try trained.languageModel().logits(of: tokens).elements
      }
    }
  }

  @Test(arguments: ["gpt2-float32", "llama-tied", "bert-pretraining"])
  func anyValueOfAnyMemberIsComputedWithOrRefused(name: String) throws {
    let data = try Data(contentsOf: Self.fixtures.appending(path: name + "/config.json"))
    let members = try #require(JSONSerialization.jsonObject(with: data) as? [String: Any])
    var refused = 0
    for member in members.keys.sorted() {
      for value in Self.hostile {
        let folder = try copy(name) { $0[member] = value }
        do {
          let found = try logits(of: folder.path)
          let isFinite = found.allSatisfy { $0.isFinite }
          #expect(isFinite, "\(member): \(value)")
        } catch {
          let isTheUsers = error is any UserInputError || error is WeightError
          #expect(isTheUsers, "\(member): \(value): \(error)")
          refused += 1
        }
      }
    }
    #expect(refused > 50)
  }

  @Test func allThatIsWrongIsToldAtOnce() throws {
    let folder = try copy("gpt2-float32") {
      $0["n_layer"] = -1
      $0["resid_pdrop"] = 1
      $0["n_positions"] = "8"
    }
    let error = #expect(throws: UnsupportedModelError.self) { try logits(of: folder.path) }
    for member in ["n_layer: found -1", "resid_pdrop: found 1", "n_positions: found \"8\""] {
      #expect(error?.reason.contains(member) == true, "\(error as Any)")
    }
  }

  @Test func tensorsOfLayersThatTheDescriptionLacksAreNamed() throws {
    let folder = try copy("gpt2-float32") { $0["n_layer"] = 1 }
    let error = #expect(throws: WeightError.self) { try logits(of: folder.path) }
    let message = "\(try #require(error))"
    #expect(message.contains("no parameter for") && message.contains(".h.1."), "\(message)")
  }
}
