import Foundation
import LockstepChatTemplates
import LockstepCheckpoints
import LockstepDatasets
import LockstepFiles
import LockstepModels
import LockstepSettings
import LockstepSweeps
import LockstepTraining
import LockstepWeights
import ReaderClaims

/// A reader, and what must hold of what it reads. Inputs stay in memory of their own, so that the address
/// sanitizer sees a byte read beyond their ends; in a file's mapping it would not.
struct CoverageReader: Sendable {
  let name: String
  let read: @Sendable (_ bytes: UnsafeRawBufferPointer) throws -> Void

  private static let path = "input"

  static let all: [CoverageReader] = [
    CoverageReader(name: "yaml") { bytes in
      guard let text = text(bytes) else { return }
      var violations: [Violation] = []
      let node = YAMLReader(source: path).read(text, reporting: &violations)
      try SilentAcceptance.unless(
        (node == nil) == !violations.isEmpty, "a tree with errors, or neither")
    },
    CoverageReader(name: "configuration") { bytes in
      guard let text = text(bytes) else { return }
      try ReaderClaims.require(RunConfiguration.parse(yaml: text, source: path))
    },
    CoverageReader(name: "sweep") { bytes in
      guard let text = text(bytes) else { return }
      try ReaderClaims.require(SweepConfiguration.parse(yaml: text, source: path), source: path)
    },
    CoverageReader(name: "model", read: model),
    CoverageReader(name: "state") { bytes in
      try description(bytes, of: TrainingState.self)
    },
    CoverageReader(name: "samples") { bytes in
      try description(bytes, of: SampleDescription.self)
    },
    CoverageReader(name: "json", read: json),
    CoverageReader(name: "tokenizer") { bytes in
      try ReaderClaims.require(TokenizerFile.tokenizer(from: Array(bytes), path: path))
    },
    CoverageReader(name: "text", read: TextReader().read),
    CoverageReader(name: "tokens") { bytes in
      // The input outlives the file.
      try ReaderClaims.require(TokenFile(path: path, bytes: bytes, owner: ()))
    },
    CoverageReader(name: "safetensors", read: safetensors),
    CoverageReader(name: "gguf", read: gguf),
    CoverageReader(name: "gzip") { bytes in
      _ = try GzipFile.contents(of: MappedFile(viewing: bytes, owner: ()), path: path)
    },
    CoverageReader(name: "table") { bytes in
      let table = try CSVTable(Array(bytes), path: path)
      try ReaderClaims.require(table)
      for column in table.columns {
        _ = try table.features(besides: column)
        _ = try table.classes(in: column)
      }
    },
    CoverageReader(name: "images") { bytes in
      try ReaderClaims.require(IDXFile(Array(bytes), path: path, dimensionCount: 3))
    },
    CoverageReader(name: "vectors") { bytes in
      let vectors = try WordVectors(
        bytes, path: path, vocabulary: ByteTokenizer().vocabulary, width: 3)
      try ReaderClaims.require(vectors, width: 3)
    },
    CoverageReader(name: "template") { bytes in
      guard let text = text(bytes) else { return }
      try ReaderClaims.require(ChatTemplate(text, name: path))
    },
    CoverageReader(name: "groups", read: ControlGroupReader().read),
  ]

  private static func text(_ bytes: UnsafeRawBufferPointer) -> String? {
    String(validating: bytes, as: UTF8.self)
  }

  /// What Lockstep's reader takes for JSON, Foundation's does, too.
  private static func json(_ bytes: UnsafeRawBufferPointer) throws {
    _ = try JSONReader.value(of: Array(bytes))
    do {
      _ = try JSONSerialization.jsonObject(with: Data(bytes), options: .fragmentsAllowed)
    } catch {
      throw SilentAcceptance("what is accepted is no JSON: \(error)")
    }
  }

  /// A `config.json` that is accepted is written as one that describes the same network.
  private static func model(_ bytes: UnsafeRawBufferPointer) throws {
    let model = try ModelConfiguration(huggingFaceJSON: Array(bytes), path: path)
    let written = try model.huggingFaceJSON(
      vocabularyCount: model.architecture.vocabulary ?? 300, endOfText: nil)
    guard let written else { throw SilentAcceptance("a model that can not be written") }
    let again = try ReaderClaims.ofWritten {
      try ModelConfiguration(huggingFaceJSON: written, path: path)
    }
    try SilentAcceptance.unless(
      "\(again.settingNode)" == "\(model.settingNode)",
      "another model after writing and reading")
  }

  private static func description<Value: Configurable & Encodable & Equatable>(
    _ bytes: UnsafeRawBufferPointer, of type: Value.Type
  ) throws {
    let value = try Value(description: bytes, path: path)
    let written = try JSONFormat.encoder(isIndented: true).encode(value)
    let again = try ReaderClaims.ofWritten { try Value(description: written, path: path) }
    try SilentAcceptance.unless(again == value, "another description after writing and reading")
  }

  /// And a network that it describes is written as one that is described alike.
  private static func gguf(_ bytes: UnsafeRawBufferPointer) throws {
    let file = try GGUFReader(MappedFile(viewing: bytes, owner: ()), path: path)
    try ReaderClaims.require(file)
    let model = try ForeignModel(file).configuration
    _ = model.architecture.weights(of: file).tensors
    let written = try model.huggingFaceJSON(vocabularyCount: 300, endOfText: nil)
    guard let written else { throw SilentAcceptance("a model that can not be written") }
    let again = try ReaderClaims.ofWritten {
      try ModelConfiguration(huggingFaceJSON: written, path: path)
    }
    try SilentAcceptance.unless(
      "\(again.settingNode)" == "\(model.settingNode)",
      "another model after writing and reading")
  }

  private static func safetensors(_ bytes: UnsafeRawBufferPointer) throws {
    let file = try SafetensorsReader(MappedFile(viewing: bytes, owner: ()), path: path)
    for entry in file.entries where entry.elementType.isReadableAsFloat {
      let count = try file.floats(entry.name).count
      try SilentAcceptance.unless(
        count == entry.shape.reduce(1, *), "another number of elements than the shape says")
    }
  }
}
