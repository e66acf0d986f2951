import Foundation
import LockstepCheckpoints
import TestSupport
import Testing

@Suite struct ParametersSHA256Tests {
  @Test func hashesParametersInNameOrder() throws {
    let tensors = TensorSet.reference
    let fixtures = URL(fileURLWithPath: #filePath)
      .deletingLastPathComponent().deletingLastPathComponent().appending(path: "Fixtures/Weights")
    let json = try Data(contentsOf: fixtures.appending(path: "parameters_sha256.json"))
    let expected = try JSONDecoder().decode([String: String].self, from: json)
    let digest = try #require(expected["float32.safetensors"])
    #expect(parametersSHA256(of: tensors.views) == digest)
    #expect(parametersSHA256(of: tensors.views.reversed()) == digest)
  }
}
