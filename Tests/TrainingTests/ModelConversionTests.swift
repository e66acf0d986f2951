import Foundation
import LockstepFiles
import LockstepModels
import LockstepTensors
import LockstepTraining
import LockstepWeights
import TestSupport
import Testing

@Suite struct ModelConversionTests {
  private let folder: TemporaryDirectory

  init() throws { folder = try TemporaryDirectory() }

  private func convert(
    _ source: String, _ output: String, _ format: ModelConversion.Format = .safetensors,
    _ type: StorageType = .float32, overwrites: Bool = false
  ) throws -> ModelConversion.Outcome {
    try ModelConversion(
      source: source, output: folder.path + "/" + output, format: format, type: type,
      overwrites: overwrites
    ).run(in: Workspace())
  }

  static let names = ["gpt2", "llama-llama3", "llama-linear", "qwen2", "qwen3", "bert"]

  @Test(arguments: names)
  func thereAndBackTheBitsAreTheSame(name: String) throws {
    let original = PretrainedFixture.path(name + ".gguf")
    let first = try convert(original, "directory")
    #expect(first.largestError == 0 && first.leftOut.isEmpty && Array(first.types.keys) == ["F32"])
    let second = try convert(folder.path + "/directory", "file", .gguf)
    #expect(second.parameters == first.parameters && second.files.map(\.name) == ["model.gguf"])
    // A directory with the file in it is the model, too.
    _ = try convert(folder.path + "/file", "again")
    let models = try [original, folder.path + "/directory", folder.path + "/again"].map {
      try TrainedModel.open($0, in: Workspace())
    }
    let parameters = models.map { PretrainedFixture.parameters(of: $0) }
    #expect(parameters[0] == parameters[1] && parameters[0] == parameters[2])
    let settings = models.map { ModelConfiguration($0.architecture).settingNode }
    #expect(settings[0] == settings[1] && settings[0] == settings[2])
    #expect(try folder.names() == ["again", "directory", "file"])
    // How texts become vectors is said by the BERT alone.
    let pooling = name == "bert" ? (["1_Pooling"], ["modules.json"]) : ([], [])
    #expect(
      try folder.names(in: "directory")
        == pooling.0 + ["config.json", "model.safetensors"] + pooling.1
        && folder.names(in: "file") == ["model.gguf"])
  }

  @Test(arguments: StorageType.allCases)
  func everyTypeIsWrittenAndReadBack(type: StorageType) throws {
    for name in Self.names {
      let path = PretrainedFixture.path(name + ".gguf")
      let outcome = try convert(path, "\(name)-gguf", .gguf, type)
      let tolerance: Double =
        switch type {
        case .float32: 0
        case .float16: 1e-3
        case .bfloat16: 8e-3
        case .q8x0: 0.01
        case .q4x0: 0.2
        }
      #expect(outcome.largestError <= tolerance, "\(name)")
      let isExact = type == .float32 || name == "gpt2" && type == .float16
      #expect((outcome.largestError == 0) == isExact || name == "qwen2" || name == "llama-llama3")
      let reader = try GGUFReader(path: outcome.output + "/model.gguf")
      for entry in reader.entries {
        let isVector = entry.shape.count < 2
        let isTable = ["position_embd.weight", "token_types.weight"].contains(entry.name)
        // Of qwen3, the rows of attention's output are 48 long.
        let fits = entry.shape.last?.isMultiple(of: type.ggufType.blockElements) == true
        let expected: GGUFElementType = isVector || isTable ? .f32 : fits ? type.ggufType : .f16
        #expect(entry.type == expected, "\(name) \(entry.name)")
      }
      guard type.elementType != nil else { continue }
      let directory = try convert(path, "\(name)-directory", .safetensors, type)
      let trained = try TrainedModel.open(directory.output, in: Workspace())
      #expect(trained.model.module.namedParameters.count == directory.types.values.reduce(0, +))
      let text = try String(contentsOfFile: directory.output + "/config.json", encoding: .utf8)
      #expect(text.contains("\"torch_dtype\" : \"\(type.rawValue)\""))
    }
  }

  @Test func onlyAHeadThatIsNotWrittenIsLeftOut() throws {
    for (name, leftOut) in [
      ("bert", []), ("encoder", ["pooler.dense.bias", "pooler.dense.weight"]),
    ] {
      let outcome = try convert(TextClassifierFixture.path(name), name)
      #expect(outcome.leftOut.sorted() == leftOut, "\(name)")
    }
  }

  @Test func blocksAreForGGUF() throws {
    #expect(throws: ConversionError.typeOfOtherFormat(.q8x0)) {
      try convert(PretrainedFixture.path("qwen2.gguf"), "none", .safetensors, .q8x0)
    }
    #expect(try folder.names().isEmpty)
  }

  @Test func whatOverflowsIsNamedAndNothingIsWritten() throws {
    let source = try convert(PretrainedFixture.path("qwen2.gguf"), "source").output
    let reader = try SafetensorsReader(path: source + "/model.safetensors")
    var tensors = TensorSet()
    for entry in reader.entries {
      let values = try reader.floats(entry.name)
      tensors.add(entry.name, entry.shape) {
        $0 == 5 && entry.name.hasSuffix("layers.1.mlp.up_proj.weight") ? 1e5 : values[$0]
      }
    }
    try SafetensorsWriter.write(tensors.views, to: source + "/model.safetensors")
    for (format, tensor) in [
      (ModelConversion.Format.safetensors, "model.layers.1.mlp.up_proj.weight"),
      (.gguf, "blk.1.ffn_up.weight"),
    ] {
      #expect(
        throws: WeightError.notStorable(tensor: tensor, value: 1e5, type: "float16")
      ) { try convert(source, "none", format, .float16) }
      #expect(try folder.names() == ["source"])
    }
    #expect(try convert(source, "wide", .gguf, .bfloat16).largestError > 0)
  }

  @Test func whatIsThereIsKept() throws {
    let path = PretrainedFixture.path("qwen2.gguf")
    try FileManager.default.createDirectory(
      atPath: folder.path + "/empty", withIntermediateDirectories: true)
    _ = try convert(path, "empty")
    #expect(throws: ConversionError.self) { try convert(path, "empty", .gguf) }
    #expect(try folder.names(in: "empty") == ["config.json", "model.safetensors"])
    _ = try convert(path, "empty", .gguf, overwrites: true)
    #expect(try folder.names(in: "empty") == ["model.gguf"])
    try folder.write("mine/thesis.txt", "x")
    let error = #expect(throws: ConversionError.self) {
      try convert(path, "mine", overwrites: true)
    }
    #expect(error?.description.hasSuffix("name another directory") == true)
    #expect(throws: ConversionError.outputIsFile(path: folder.path + "/mine/thesis.txt")) {
      try convert(path, "mine/thesis.txt")
    }
    #expect(try folder.names() == ["empty", "mine"])
  }

  @Test(arguments: ["qwen2", "qwen3"])
  func rotaryFactorsThatNobodyWouldReadAreRefused(name: String) throws {
    let source = folder.path + "/source"
    try FileManager.default.copyItem(atPath: PretrainedFixture.path(name), toPath: source)
    let path = URL(fileURLWithPath: source + "/config.json")
    var members = try #require(
      try JSONSerialization.jsonObject(with: Data(contentsOf: path)) as? [String: Any])
    members["rope_parameters"] = nil
    members["rope_scaling"] = [
      "rope_type": "llama3", "factor": 4.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
      "original_max_position_embeddings": 16,
    ]
    try JSONSerialization.data(withJSONObject: members).write(to: path)
    #expect(
      throws: ConversionError.notSaid(
        "architecture \(name) and rope_scaling llama3", format: "GGUF")
    ) { try convert(source, "file", .gguf) }
    #expect(try folder.names() == ["source"])
    _ = try convert(source, "directory")
  }

  @Test func aModelThatNoConversionWroteIsNeverReplaced() throws {
    let path = PretrainedFixture.path("qwen2.gguf")
    for name in ["directory", "file"] {
      let output = folder.path + "/" + name
      if name == "file" {
        try FileManager.default.createDirectory(atPath: output, withIntermediateDirectories: true)
        try FileManager.default.copyItem(atPath: path, toPath: output + "/model.gguf")
      } else {
        try FileManager.default.copyItem(atPath: PretrainedFixture.path("qwen2"), toPath: output)
      }
      let before = try folder.names(in: name)
      let error = #expect(throws: ConversionError.self) {
        try convert(path, name, overwrites: true)
      }
      #expect(error?.description.hasSuffix("name another directory") == true)
      #expect(try folder.names(in: name) == before)
    }
    // Another program has put its own into what a conversion wrote.
    let copy = try convert(path, "copy").output
    try FileManager.default.removeItem(atPath: copy + "/model.safetensors")
    try FileManager.default.copyItem(
      atPath: PretrainedFixture.path("qwen2") + "/model.safetensors",
      toPath: copy + "/model.safetensors")
    #expect(throws: ConversionError.self) { try convert(path, "copy", overwrites: true) }
  }

  @Test func whatKilledConversionsLeftIsRemoved() throws {
    // Numbers of processes say nothing: in containers they are all the same.
    let mark = ".copy.converting-"
    let gone = [mark + "1", mark + "\(ProcessInfo.processInfo.processIdentifier)-2"]
    let (written, former, other) = (mark + "3", mark + "4-former", ".other.converting-5")
    for name in gone + [written, former, other] {
      try folder.write(name + "/model.safetensors", "x")
    }
    try folder.write(gone[0] + ".lock", "")
    try folder.write(mark + "6.lock", "")
    let lock = try FileLock.exclusive(folder.path + "/\(written).lock", creates: true)
    let path = PretrainedFixture.path("qwen2.gguf")
    try withExtendedLifetime(try #require(lock)) {
      _ = try convert(path, "copy")
      // All that there is of an output stays until the new one has its name.
      #expect(
        try Set(folder.names()) == [written, written + ".lock", former, other, "copy"])
      _ = try convert(path, "copy", overwrites: true)
      #expect(try Set(folder.names()) == [written, written + ".lock", other, "copy"])
    }
    _ = try convert(path, "copy", overwrites: true)
    #expect(try Set(folder.names()) == [written, written + ".lock", other, "copy"])
  }
}
