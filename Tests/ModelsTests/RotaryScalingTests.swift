import Foundation
import LockstepModels
import LockstepSettings
import Testing

/// Stretched rotary positions beside those of `transformers`: scripts/fixtures/rotary_scaling.py.
@Suite struct RotaryScalingTests {
  private struct Case: Decodable {
    let scaling: [String: JSONNode]
    let base: Double
    let width: Int
    let bits: [UInt32]
  }

  private static func cases() throws -> [Case] {
    let path = try #require(
      Bundle.module.resourceURL?.appending(path: "Fixtures/rotary-scaling.json"))
    return try JSONDecoder().decode([Case].self, from: Data(contentsOf: path))
  }

  /// A `config.json` of the case, with the members where newer or older versions have them.
  private func configuration(_ test: Case, older: Bool) throws -> LlamaConfiguration {
    var scaling = test.scaling
    var members: [String: JSONNode] = [
      "model_type": "llama", "vocab_size": 50, "max_position_embeddings": 131_072,
      "hidden_size": .integer(4 * test.width), "intermediate_size": 64, "num_hidden_layers": 2,
      "num_attention_heads": 4, "num_key_value_heads": 2, "hidden_act": "silu",
      "rms_norm_eps": 1e-5,
    ]
    if older {
      if scaling["rope_type"] == "linear" {
        scaling["type"] = scaling.removeValue(forKey: "rope_type")
      }
      members["rope_theta"] = .number(test.base)
      members["rope_scaling"] = .object(scaling)
    } else {
      scaling["rope_theta"] = .number(test.base)
      members["rope_parameters"] = .object(scaling)
    }
    let bytes = Array(try JSONEncoder().encode(members))
    let model = try ModelConfiguration(huggingFaceJSON: bytes, path: "config.json")
    return try #require(model.architecture as? LlamaConfiguration)
  }

  @Test(arguments: [true, false])
  func frequenciesAreThoseOfTransformers(older: Bool) throws {
    let cases = try Self.cases()
    #expect(cases.count == 6)
    for test in cases {
      let found = try configuration(test, older: older)
      let frequencies = found.ropeScaling.frequencies(
        base: found.ropeTheta, headWidth: found.headWidth
      ).values
      #expect(frequencies.count == test.width / 2 && found.ropeScaling.method != .none)
      for (index, (ours, bits)) in zip(frequencies, test.bits).enumerated() {
        let theirs = Float(bitPattern: bits)
        #expect(abs(ours - theirs) <= theirs.ulp, "\(test.scaling) \(index): \(ours), \(theirs)")
      }
    }
  }

  @Test func whatIsWrittenIsReadAgain() throws {
    for test in try Self.cases() {
      let model = ModelConfiguration(try configuration(test, older: false))
      let written = try #require(try model.huggingFaceJSON(vocabularyCount: 50, endOfText: nil))
      let again = try ModelConfiguration(huggingFaceJSON: written, path: "config.json")
      #expect(again == model)
      // And as a section of a configuration.
      let settings = try ModelConfiguration(settings: model.settingNode)
      #expect(settings == model)
    }
  }

  @Test func keysThatContradictEachOtherAreRefused() {
    var keys = RotaryScaling.Llama3()
    keys.highFrequencyFactor = 1
    let error = #expect(throws: ConfigurationError.self) {
      try RotaryScaling(.llama3(keys)).validate()
    }
    #expect(error?.description.contains("more than low_frequency_factor (1.0)") == true)
  }
}
