import Foundation
import LockstepDatasets
import LockstepModels
import LockstepNeuralNetworks
import LockstepTensors
import LockstepTraining
import LockstepWeights
import TestSupport
import Testing

/// What lies beside a tokenizer: how texts begin and end, and the template of conversations.
@Suite struct TextConventionsTests {
  private let folder: TemporaryDirectory
  private static let template =
    "{% for message in messages %}{{ message['content'] }}é\n{% endfor %}"

  /// A small Llama whose tokens are bytes and two names, with more rows than tokens.
  init() throws {
    folder = try TemporaryDirectory()
    let tokenizer = ByteTokenizer().adding(special: ["<|im_start|>", "<|im_end|>"])
    try writeModel(rows: 300, tokenizer: tokenizer.tokenizerJSON())
  }

  private func writeModel(rows: Int, tokenizer: [UInt8]) throws {
    var configuration = LlamaConfiguration()
    (configuration.layers, configuration.heads, configuration.width) = (1, 2, 8)
    (configuration.context, configuration.vocabulary) = (16, rows)
    let json = try #require(
      try configuration.huggingFaceJSON(vocabularyCount: rows, endOfText: 256))
    try folder.write("model/config.json", json)
    try folder.write("model/tokenizer.json", tokenizer)
    let model = Llama(configuration, vocabularyCount: rows)
    var tensors = TensorSet()
    for (name, parameter) in model.namedParameters {
      tensors.add(name, parameter.shape.dimensions) { Float($0 % 7) - 3 }
    }
    try SafetensorsWriter.write(tensors.views, to: folder.path + "/model/model.safetensors")
  }

  private func open(_ name: String) throws -> TrainedModel {
    try TrainedModel.open(folder.path + "/" + name, in: Workspace())
  }

  private func convert(_ name: String, _ output: String, _ format: ModelConversion.Format) throws {
    _ = try ModelConversion(
      source: folder.path + "/" + name, output: folder.path + "/" + output, format: format
    ).run(in: Workspace())
  }

  private func writeConfiguration(_ template: String? = nil) throws {
    try folder.write(
      "model/tokenizer_config.json",
      """
      {"bos_token": {"content": "<|im_start|>", "lstrip": false}, "eos_token": "<|im_end|>",
       "pad_token": null\(template.map { ", \"chat_template\": \($0)" } ?? "")}
      """)
  }

  @Test func aTokenizerOfLockstepsOwnEndsTexts() throws {
    let trained = try open("model")
    #expect(trained.chatTemplate == nil && trained.beginOfTextName == nil)
    #expect(trained.endOfTextNames == ["<|endoftext|>"])
  }

  @Test func whatHuggingFaceWritesIsRead() throws {
    try writeConfiguration("\"inside\"")
    try folder.write("model/special_tokens_map.json", #"{"pad_token": "<|endoftext|>"}"#)
    try folder.write("model/generation_config.json", #"{"eos_token_id": [258, 256, 9999]}"#)
    var trained = try open("model")
    #expect(trained.chatTemplate == "inside" && trained.beginOfTextName == "<|im_start|>")
    #expect(trained.endOfTextNames == ["<|im_end|>", "<|endoftext|>"])
    try writeConfiguration(
      #"[{"name": "tools", "template": "a"}, {"name": "default", "template": "b"}]"#)
    trained = try open("model")
    #expect(trained.chatTemplate == "b")
    try folder.write("model/chat_template.jinja", Self.template)
    trained = try open("model")
    #expect(trained.chatTemplate == Self.template)
    try folder.write("model/tokenizer_config.json", "[1]")
    let error = #expect(throws: UnsupportedModelError.self) { try open("model") }
    #expect(
      error?.description.hasPrefix("\(folder.path)/model/tokenizer_config.json: not a JSON object")
        == true)
  }

  @Test func templatesGetAllSpecialTokensThatTheFilesName() throws {
    try folder.write(
      "model/tokenizer_config.json",
      #"{"bos_token": "<|im_start|>", "unk_token": {"content": "<unk>"}, "pad_token": null}"#)
    try folder.write(
      "model/special_tokens_map.json", #"{"sep_token": "<|im_end|>", "cls_token": "<cls>"}"#)
    let path = folder.path + "/model/tokenizer.json"
    for tokens in [
      try open("model").chatDescription.specialTokens,
      try TrainedModel.chatTokenizer(at: path).description.specialTokens,
    ] {
      #expect(
        tokens == [
          "bos_token": "<|im_start|>", "eos_token": "<|endoftext|>", "unk_token": "<unk>",
          "sep_token": "<|im_end|>", "cls_token": "<cls>",
        ])
    }
  }

  @Test(arguments: ["tokenizer_config.json", "special_tokens_map.json", "generation_config.json"])
  func aKeyThatIsThereTwiceIsRefused(name: String) throws {
    try folder.write("model/\(name)", #"{"a": 1, "b": {"c": 1, "c": 2}}"#)
    let error = #expect(throws: UnsupportedModelError.self) { try open("model") }
    #expect(
      error?.description
        == "\(folder.path)/model/\(name): not a JSON object: the key 'c' a second time in one object "
        + "at byte 23")
  }

  private struct Flags: CustomTestStringConvertible, Sendable {
    let tokenizer: String
    let configuration: String
    let contradiction: String?
    var testDescription: String { "\(tokenizer): \(configuration)" }

    init(_ tokenizer: String, _ configuration: String, _ contradiction: String? = nil) {
      (self.tokenizer, self.configuration) = (tokenizer, configuration)
      self.contradiction = contradiction
    }
  }

  private static let families = URL(fileURLWithPath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent()
    .appending(path: "DatasetsTests/Fixtures/Families")

  @Test(arguments: [
    Flags("bert", #"{"do_lower_case": true, "strip_accents": null}"#),
    Flags(
      "bert", #"{"do_lower_case": false}"#, "do_lower_case is false, and true in tokenizer.json"),
    Flags(
      "bert", #"{"tokenizer_class": "BertTokenizerFast", "strip_accents": false}"#,
      "strip_accents is false, and true in tokenizer.json"),
    Flags(
      "bert", #"{"tokenizer_class": "BertTokenizer", "tokenize_chinese_chars": false}"#,
      "tokenize_chinese_chars is false, and true in tokenizer.json"),
    // A class for any tokenizer goes by tokenizer.json.
    Flags("bert", #"{"tokenizer_class": "PreTrainedTokenizerFast", "do_lower_case": false}"#),
    Flags("bert-cased", #"{"do_lower_case": false}"#),
    Flags("bert-cased", #"{"do_lower_case": true}"#, "do_lower_case is true, and false in"),
    Flags("roberta", #"{"tokenizer_class": "RobertaTokenizer", "add_prefix_space": true}"#),
    Flags(
      "roberta", #"{"tokenizer_class": "GPT2Tokenizer", "add_prefix_space": false}"#,
      "add_prefix_space is false, and true in"),
    Flags("smollm", #"{"tokenizer_class": "PreTrainedTokenizerFast", "add_prefix_space": true}"#),
    Flags("llama2", #"{"tokenizer_class": "LlamaTokenizer", "add_prefix_space": null}"#),
    Flags(
      "llama2", #"{"tokenizer_class": "LlamaTokenizerFast", "add_prefix_space": false}"#,
      "add_prefix_space is false, and true in"),
    Flags("llama2", #"{"tokenizer_class": "LlamaTokenizer", "add_bos_token": false}"#),
  ])
  private func whatTransformersWouldMakeOtherwiseIsRefused(flags: Flags) throws {
    try FileManager.default.copyItem(
      atPath: Self.families.appending(path: flags.tokenizer + ".json").path,
      toPath: folder.path + "/tokenizer.json")
    try folder.write("tokenizer_config.json", flags.configuration)
    let path = folder.path + "/tokenizer.json"
    guard let contradiction = flags.contradiction else {
      try TextConventions.requireAgreement(besideTokenizerAt: path)
      _ = try TrainedModel.tokenizer(at: path)
      return
    }
    for read in [
      { try TextConventions.requireAgreement(besideTokenizerAt: path) },
      { _ = try TrainedModel.tokenizer(at: path) },
      { _ = try TrainedModel.chatTokenizer(at: path) },
    ] {
      let error = #expect(throws: TokenizerContradictionError.self) { try read() }
      #expect(error?.contradictions.count == 1)
      #expect(
        error?.description.hasPrefix("\(folder.path)/tokenizer_config.json: \(contradiction)")
          == true)
    }
  }

  @Test func whatVersionsOfTransformersTakeOtherwiseIsSaid() throws {
    try folder.write(
      "model/tokenizer_config.json",
      #"{"tokenizer_class": "LlamaTokenizer", "add_bos_token": true, "add_eos_token": false}"#)
    #expect(
      try open("model").notices == [
        "\(folder.path)/model/tokenizer_config.json: add_bos_token is true, and false in "
          + "tokenizer.json: the latter counts, as in transformers since version 5"
      ])
  }

  @Test func conversionsCarryThemOn() throws {
    try writeConfiguration()
    try folder.write("model/generation_config.json", #"{"eos_token_id": [258, 256]}"#)
    try folder.write("model/chat_template.jinja", Self.template)
    try convert("model", "file", .gguf)
    try convert("file", "directory", .safetensors)
    let reader = try GGUFReader(path: folder.path + "/file/model.gguf")
    #expect(reader.metadata["tokenizer.ggml.tokens"]?.texts?.count == 300)
    #expect(reader.metadata["tokenizer.ggml.token_type"]?.integers?.last == 5)
    #expect(reader.metadata["tokenizer.ggml.eot_token_id"]?.integer == 256)
    let original = try open("model")
    for name in ["file", "directory"] {
      let trained = try open(name)
      #expect(trained.chatTemplate == Self.template)
      #expect(trained.beginOfTextName == "<|im_start|>")
      #expect(trained.endOfTextNames == ["<|im_end|>", "<|endoftext|>"])
      #expect(trained.tokenizer?.vocabularyCount == 259, "rows without tokens are none")
      let text = "a<|im_end|>é\u{0}"
      #expect(try trained.tokenizer?.encode(text) == original.tokenizer?.encode(text))
    }
    #expect(
      try folder.names(in: "directory") == [
        "chat_template.jinja", "config.json", "generation_config.json", "model.safetensors",
        "tokenizer.json", "tokenizer_config.json",
      ])
  }

  private func inputNames(_ directory: String) throws -> [String]? {
    let bytes = try Data(
      contentsOf: URL(fileURLWithPath: folder.path + "/\(directory)/tokenizer_config.json"))
    let members = try JSONSerialization.jsonObject(with: bytes) as? [String: Any]
    return members?["model_input_names"] as? [String]
  }

  /// Versions of transformers before 5 give GPT-2 and Llama types of tokens otherwise.
  @Test(arguments: [
    ("llama-base", ["input_ids", "attention_mask"]), ("gpt2", ["input_ids", "attention_mask"]),
    ("bert-base", ["input_ids", "token_type_ids", "attention_mask"]),
    ("encoder", ["input_ids", "token_type_ids", "attention_mask"]),
  ])
  func conversionsSayWhatAModelIsCalledWith(name: String, expected: [String]) throws {
    let output = folder.path + "/output"
    _ = try ModelConversion(source: TextClassifierFixture.path(name), output: output)
      .run(in: Workspace())
    #expect(try inputNames("output") == expected)
  }

  @Test func whatAModelIsCalledWithIsCarriedOn() throws {
    try folder.write(
      "model/tokenizer_config.json", #"{"model_input_names": ["input_ids", "position_ids"]}"#)
    try convert("model", "directory", .safetensors)
    #expect(try inputNames("directory") == ["input_ids", "position_ids"])
  }

  /// As Qwen3-Embedding has it: what ends an input is not what ends an answer.
  @Test func theTokenThatEndsInputsIsKeptBesideThatWhichEndsAnswers() throws {
    let end = "<|endoftext|>"
    let family = try String(
      contentsOf: Self.families.appending(path: "smollm.json"), encoding: .utf8)
    var root = try #require(
      try JSONSerialization.jsonObject(with: Data(family.utf8)) as? [String: Any])
    let tokens = try #require(root["added_tokens"] as? [[String: Any]])
    let id = try #require(tokens.first { $0["content"] as? String == end }?["id"] as? Int)
    let text = ["Sequence": ["id": "A", "type_id": 0] as [String: Any]]
    let second = ["Sequence": ["id": "B", "type_id": 0] as [String: Any]]
    let last = ["SpecialToken": ["id": end, "type_id": 0] as [String: Any]]
    root["post_processor"] = [
      "type": "TemplateProcessing", "single": [text, last], "pair": [text, last, second, last],
      "special_tokens": [end: ["id": end, "ids": [id], "tokens": [end]]],
    ]
    try writeModel(
      rows: 500, tokenizer: Array(JSONSerialization.data(withJSONObject: root)))
    try folder.write("model/tokenizer_config.json", #"{"eos_token": "<|im_end|>"}"#)
    try convert("model", "file", .gguf)
    let original = try open("model")
    #expect(original.endOfTextNames == ["<|im_end|>"])
    let trained = try open("file")
    let expected = try #require(original.tokenizer).encodeInput("a")
    #expect(expected.tokens.last == Int32(id))
    #expect(try #require(trained.tokenizer).encodeInput("a") == expected)
    #expect(Set(trained.endOfTextNames) == [end, "<|im_end|>"])
  }
}
