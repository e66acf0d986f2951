import LockstepDatasets
import LockstepFiles
import LockstepModels
import LockstepWeights

/// A model as llama.cpp has it: one GGUF file.
struct GGUFModelFile {
  private let model: TrainedModel
  private let type: StorageType

  init(_ model: TrainedModel, type: StorageType) {
    self.model = model
    self.type = type
  }

  /// - Parameters:
  ///   - directory: Is empty.
  ///   - progress: Told how many elements are written.
  /// - Throws: `ConversionError`, `WeightError`, `TokenizerError`.
  func write(
    to directory: String, progress: (Int) -> Void
  ) throws -> WrittenModel {
    let architecture = model.architecture
    if model.kind == .textClassification {
      throw ConversionError.notSaid("a head for classes of texts", format: "GGUF")
    }
    let tokenCount = model.tokenizer?.vocabularyCount
    guard var metadata = architecture.ggufMetadata(vocabularyCount: tokenCount ?? 0) else {
      throw ConversionError.noForm(
        architecture: Swift.type(of: architecture).name, format: "GGUF")
    }
    if let missing = architecture.ggufLacks {
      throw ConversionError.notSaid(missing, format: "GGUF")
    }
    metadata.insert(contentsOf: model.ggufDescription, at: 2)
    metadata += [
      ("general.file_type", .uint32(type.ggufFileType)),
      ("general.quantization_version", .uint32(2)),
      (ConversionOutput.markKey, .text(ConversionOutput.mark)),
    ]
    let (pooling, lost) = try model.writtenPooling()
    if let pooling, let name = metadata.first?.value.text {
      metadata += pooling.ggufMetadata(architecture: name)
    }
    metadata += try GGUFVocabulary.metadata(
      of: model.tokenizer, model.conventions, rows: architecture.vocabulary ?? tokenCount ?? 0)
    var (tensors, leftOut) = architecture.ggufTensors(of: model.parameters, type: type)
    let path = directory + "/" + ModelConversion.ggufName
    let factors = architecture.ggufRotaryFactors ?? []
    try factors.withUnsafeBufferPointer { buffer in
      if !buffer.isEmpty {
        let view = TensorView(name: "rope_freqs.weight", shape: [buffer.count], values: buffer)
        tensors.append(OutgoingTensor(view.name, view, type: .float32))
      }
      try GGUFWriter.write(tensors, metadata: metadata, to: path, progress: progress)
    }
    return WrittenModel(
      source: architecture.weights(of: try GGUFReader(path: path)),
      leftOut: leftOut + lost + (pooling?.ggufLacks ?? []))
  }
}

extension StorageType {
  /// llama.cpp's number for a file that is mostly of this type.
  fileprivate var ggufFileType: UInt32 {
    switch self {
    case .float32: 0
    case .float16: 1
    case .q4x0: 2
    case .q8x0: 7
    case .bfloat16: 32
    }
  }
}

extension TrainedModel {
  /// What the model is called.
  fileprivate var ggufDescription: [(key: String, value: GGUFValue)] {
    let name = FileSystem.name(of: source) ?? "model"
    return [("general.name", .text(name))]
  }
}
