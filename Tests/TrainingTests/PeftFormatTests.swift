import Foundation
import LockstepTensors
import LockstepTraining
import LockstepWeights
import TestSupport
import Testing

/// Adapters that `peft` has saved: which descriptions are read, and which are refused by the name of the key.
@Suite struct PeftFormatTests {
  private let folder: TemporaryDirectory

  /// Copies of an adapter of a Llama, and of the Llama.
  init() throws {
    folder = try TemporaryDirectory()
    for name in ["peft-lora", "llama-tied"] {
      try FileManager.default.copyItem(
        atPath: TrainedModelTests.fixtures.appending(path: name).path,
        toPath: folder.path + "/" + name)
    }
  }

  /// Changes the text of a file.
  private func change(_ name: String, _ old: String, to new: String) throws {
    let text = try String(contentsOfFile: folder.path + "/" + name, encoding: .utf8)
    try #require(text.contains(old))
    try folder.write(name, text.replacingOccurrences(of: old, with: new))
  }

  private func logits() throws -> [Float] {
    let trained = try TrainedModel.open(folder.path + "/peft-lora", in: Workspace())
    return try trained.workspace.withoutRecording {
      try trained.languageModel().logits(of: Indices([1, 2, 3], shape: [1, 3])).elements
    }
  }

  private func refusal() -> String {
    let error = #expect(throws: (any Error).self) { try logits() }
    return error.map { "\($0)" } ?? ""
  }

  @Test(arguments: ["null", "false", #""gaussian""#, #""eva""#, #""orthogonal""#, #""mica""#])
  func anAdapterThatBeganBesideUnchangedWeightsIsRead(start: String) throws {
    let expected = try logits()
    try change(
      "peft-lora/adapter_config.json", #""init_lora_weights": true"#,
      to: #""init_lora_weights": \#(start)"#)
    #expect(try logits() == expected)
  }

  @Test(arguments: ["pissa", "pissa_niter_16", "olora", "corda", "loftq", "lora_ga", "unheard of"])
  func anAdapterThatMayHaveBegunByChangingTheWeightsIsRefused(start: String) throws {
    try change(
      "peft-lora/adapter_config.json", #""init_lora_weights": true"#,
      to: #""init_lora_weights": "\#(start)""#)
    let found = refusal()
    #expect(found.contains("adapter_config.json: init_lora_weights: found \(start)"), "\(found)")
    #expect(found.contains("path_initial_model_for_weight_conversion"), "\(found)")
  }

  /// Computed with are numbers of 24 bits, in which these are 1 and 0.
  @Test(arguments: [
    ("lora_dropout", "0.99999999", "expected a number from 0 to below 1"),
    ("lora_dropout", "-0.5", "expected a number from 0 to below 1"),
    ("lora_alpha", "1e-50", "expected a number above 0"),
    ("lora_alpha", "1e300", "expected a number above 0"),
  ])
  func numbersAreWithinTheirRangesWhenTheyAreComputedWith(
    key: String, value: String, expected: String
  ) throws {
    let path = URL(fileURLWithPath: folder.path + "/peft-lora/adapter_config.json")
    let text = try String(contentsOf: path, encoding: .utf8)
    let changed = try text.replacing(
      Regex(#""\#(key)": [0-9.]+"#), with: #""\#(key)": \#(value)"#)
    try #require(changed != text)
    try Data(changed.utf8).write(to: path)
    let found = refusal()
    #expect(found.contains("\(key): found ") && found.contains(expected), "\(found)")
  }

  @Test(arguments: ["use_rslora", "use_dora"])
  func aSwitchIsTrueOrFalse(key: String) throws {
    try change("peft-lora/adapter_config.json", #""\#(key)": false"#, to: #""\#(key)": 1"#)
    let found = refusal()
    #expect(found.contains("\(key): found 1, expected true or false"), "\(found)")
  }

  @Test func aKeyThatIsThereTwiceIsRefused() throws {
    try change("peft-lora/adapter_config.json", #""r": 2"#, to: #""r": 2, "r": 4"#)
    let found = refusal()
    #expect(
      found.contains("adapter_config.json: ") && found.contains("the key 'r' a second time"),
      "\(found)")
  }

  @Test(arguments: ["", "../peft-lora", "../peft-lora/.", "../other"])
  func anAdapterThatNamesItselfOrAnotherOneIsRefused(base: String) throws {
    try FileManager.default.copyItem(
      atPath: folder.path + "/peft-lora", toPath: folder.path + "/other")
    for (name, base) in [("peft-lora", base), ("other", "../peft-lora")] {
      try change(
        "\(name)/adapter_config.json", #""base_model_name_or_path": "../llama-tied""#,
        to: #""base_model_name_or_path": "\#(base)""#)
    }
    let found = refusal()
    #expect(
      found.contains(
        base.isEmpty
          ? "base_model_name_or_path: found nothing, expected the directory of a model"
          : "holds an adapter itself; fold that one into its model, as lockstep merge does"),
      "\(found)")
  }

  /// No machine has room for a model of that size: it is refused before memory is asked for.
  @Test func aModelThatClaimsAnySizeIsComparedWithItsFiles() throws {
    let path = URL(fileURLWithPath: folder.path + "/llama-tied/config.json")
    var members = try #require(
      JSONSerialization.jsonObject(with: Data(contentsOf: path)) as? [String: Any])
    (members["vocab_size"], members["hidden_size"], members["head_dim"]) = (
      1 << 24, 1 << 16, 1 << 15
    )
    try JSONSerialization.data(withJSONObject: members).write(to: path)
    let error = #expect(throws: WeightError.self) { try logits() }
    guard case .unfit? = error else {
      Issue.record("\(error as Any)")
      return
    }
  }
}
