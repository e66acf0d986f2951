import Foundation
import LockstepModels
import LockstepTensors
import LockstepTraining
import TestSupport
import Testing

/// Models of other programs that do not sort texts into several classes.
@Suite struct TextClassesTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  @Test func anotherModelSortsNoTexts() throws {
    let error = #expect(throws: LoadingError.self) {
      try TextPredictor(
        TrainedModel.open(TextClassifierFixture.path("encoder"), in: Workspace()))
    }
    #expect("\(error.map { "\($0)" } ?? "")".contains("lockstep embed takes it"))
  }

  @Test(arguments: [
    ("\"problem_type\": \"regression\"", "problem_type is regression"),
    ("\"id2label\": {\"0\": \"a\", \"1\": \"a\", \"2\": \"b\"}", "id2label has no different names"),
    ("\"id2label\": [1]", "id2label is no object"),
    ("\"id2label\": {\"0\": \"LABEL_0\"}", "id2label has 1 of at least 2 classes"),
  ])
  func otherHeadsOfTransformersAreRefused(member: String, message: String) throws {
    let copy = folder.path + "/model"
    try FileManager.default.copyItem(atPath: TextClassifierFixture.path("bert"), toPath: copy)
    let path = copy + "/config.json"
    var text = try String(contentsOfFile: path, encoding: .utf8)
    if member.hasPrefix("\"id2label") {
      text = text.replacing(#/"id2label": \{[^}]*\}/#, with: member)
    } else {
      text = "{" + member + "," + text.dropFirst()
    }
    try Data(text.utf8).write(to: URL(fileURLWithPath: path))
    let error = #expect(throws: UnsupportedModelError.self) {
      try TrainedModel.open(copy, in: Workspace())
    }
    #expect("\(error.map { "\($0)" } ?? "")".contains(message))
  }
}
