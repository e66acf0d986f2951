import LockstepFiles
import LockstepModels
import LockstepWeights

/// A model as `transformers` saves it.
struct SafetensorsDirectory {
  private let model: TrainedModel
  private let type: StorageType

  init(_ model: TrainedModel, type: StorageType) {
    self.model = model
    self.type = type
  }

  /// - Parameters:
  ///   - directory: Is empty.
  ///   - progress: Told how many elements are written.
  /// - Throws: `ConversionError`, `WeightError`, `FileError`.
  func write(
    to directory: String, progress: (Int) -> Void
  ) throws -> WrittenModel {
    let (tokenizer, conventions) = (model.tokenizer, model.conventions)
    let description = try model.architecture.huggingFaceJSON(
      classes: model.classes?.names, asksOfEachClass: model.classes?.asksOfEachClass ?? false,
      vocabularyCount: tokenizer?.vocabularyCount ?? 0,
      beginOfText: tokenizer.flatMap { conventions.id(conventions.beginOfTextName, $0) },
      endOfText: tokenizer.flatMap { conventions.id(conventions.endOfTextNames.first, $0) },
      elementType: type.rawValue)
    guard let description else {
      throw ConversionError.noForm(
        architecture: Swift.type(of: model.architecture).name, format: "transformers")
    }
    var files = [("config.json", description)]
    if let tokenizer {
      files.append(("tokenizer.json", tokenizer.tokenizerJSON()))
      files += try conventions.files(for: model.architecture, tokenizer: tokenizer)
    }
    for (name, bytes) in files { try AtomicFile.write(bytes, to: directory + "/" + name) }
    let path = directory + "/" + ModelConversion.weightsName
    try SafetensorsWriter.write(
      model.parameters, as: type,
      metadata: ["format": "pt", ConversionOutput.markKey: ConversionOutput.mark], to: path,
      progress: progress)
    let (pooling, leftOut) = try model.writtenPooling()
    try pooling?.write(to: directory, width: model.stateWidth())
    return WrittenModel(source: try SafetensorsReader(path: path), leftOut: leftOut)
  }
}
