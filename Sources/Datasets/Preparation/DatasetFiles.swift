import Foundation
import LockstepFiles

/// The files of a data set, and how they come to be.
struct DatasetFiles {
  static let trainName = "train.bin"
  static let validationName = "validation.bin"
  static let tokenizerName = "tokenizer.json"
  static let manifestName = "dataset.json"
  /// All of them, the one that is written last at the end.
  static let names =
    [trainName, validationName] + PairPreparation.partNames + [tokenizerName, manifestName]

  let directory: String

  /// Makes the directory if it is not there, and tries whether it can be written to.
  ///
  /// - Throws: `PreparationError.outputNotWritable`.
  init(directory: String) throws(PreparationError) {
    self.directory = directory
    do throws(FileError) {
      try FileSystem.makeDirectory(directory)
      // Not committed, so it is gone at once.
      _ = try AtomicFile(path: directory + "/" + Self.manifestName)
    } catch {
      throw .outputNotWritable(path: directory, reason: error.reason)
    }
    // Of a run that was killed; one that is still alive keeps its files.
    AtomicFile.removeLeftovers(of: Self.names, in: directory)
  }

  func path(_ name: String) -> String { directory + "/" + name }

  /// Encodes both parts and writes all files.
  func write(
    training: [TextSpan], validation: [TextSpan], tokenizer: any Tokenizer,
    request: DatasetManifest.Request, inputs: [DatasetManifest.Input],
    report: (DatasetPreparation.Progress) -> Void
  ) throws -> DatasetManifest {
    let total = (training + validation).reduce(0) { $0 + $1.range.count }
    var done = 0
    func advance(_ bytes: Int) {
      done += bytes
      report(.encoding(done: done, of: total))
    }
    let special = request.specialTokens ?? .token
    let (train, trainBytes) = try encode(training, Self.trainName, tokenizer, special, advance)
    let held =
      try validation.isEmpty
      ? nil : encode(validation, Self.validationName, tokenizer, special, advance)

    // From here on the directory is not complete until the new manifest is there.
    for name in [Self.manifestName] + PairPreparation.partNames { try remove(name) }
    try train.finish()
    if let held { try held.writer.finish() } else { try remove(Self.validationName) }
    try tokenizer.save(to: path(Self.tokenizerName))
    let manifest = DatasetManifest(
      request: request, inputs: inputs,
      tokenizer: DatasetManifest.TokenizerRecord(
        kind: tokenizer.kind, vocabularySize: tokenizer.vocabularyCount,
        sha256: tokenizer.contentHash.description),
      train: try part(train, bytes: trainBytes, Self.trainName),
      validation: try held.map { try part($0.writer, bytes: $0.bytes, Self.validationName) })
    try AtomicFile.write(manifest.json(), to: path(Self.manifestName))
    return manifest
  }

  /// Encodes spans into a token file that is yet to be finished.
  ///
  /// - Returns: The file, and the number of bytes of text in it.
  private func encode(
    _ spans: [TextSpan], _ name: String, _ tokenizer: any Tokenizer, _ special: SpecialTokens,
    _ advance: (Int) -> Void
  ) throws -> (writer: TokenFileWriter, bytes: Int) {
    let writer = try TokenFileWriter(
      path: path(name), vocabularyCount: tokenizer.vocabulary.textCount,
      tokenizerHash: tokenizer.contentHash)
    var byteCount = 0
    try TextSpan.forEachPiece(of: spans, separating: (tokenizer.matcher, special)) { piece in
      switch piece {
      case .text(let text):
        try writer.append(tokenizer.encodePlain(text))
        byteCount += text.count
        advance(text.count)
      case .token(let id, let count):
        try writer.append([id])
        byteCount += count
      case .endOfText:
        if let endOfText = tokenizer.endOfText { try writer.append([endOfText]) }
      }
    }
    return (writer, byteCount)
  }

  private func part(
    _ writer: TokenFileWriter, bytes: Int, _ name: String
  ) throws(FileError) -> DatasetManifest.Part {
    DatasetManifest.Part(
      tokens: writer.count, bytes: bytes, sha256: try FileHash.sha256(ofFile: path(name)))
  }

  func remove(_ name: String) throws {
    if FileManager.default.fileExists(atPath: path(name)) {
      try FileManager.default.removeItem(atPath: path(name))
    }
  }
}
