import LockstepFiles

/// The files of a data set, and how they come to be.
struct DatasetFiles {
  static let trainName = "train.bin"
  static let validationName = "validation.bin"
  static let tokenizerName = "tokenizer.json"
  static let manifestName = "dataset.json"
  /// All of them, the one that is written last at the end.
  static let names =
    [trainName, validationName] + otherNames + [tokenizerName, manifestName]
  /// Those that only other kinds of data sets have.
  private static let otherNames = PairPreparation.partNames + ConversationPreparation.otherNames

  let directory: String
  private let mark: PreparationMark

  /// - Parameter mark: Of the directory.
  private init(directory: String, mark: PreparationMark) {
    (self.directory, self.mark) = (directory, mark)
  }

  /// Makes a directory one's own, unless it holds the data set already.
  ///
  /// - Parameter find: Looks for that data set.
  /// - Throws: `PreparationError`; what `find` throws.
  static func open<Manifest>(
    _ directory: String, unless find: () throws(PreparationError) -> Manifest?
  ) throws(PreparationError) -> Opened<Manifest> {
    let mark: PreparationMark
    do throws(PreparationError) {
      mark = try PreparationMark(directory: directory)
    } catch {
      // What is there may be used where nothing can be written.
      guard case .outputNotWritable = error, let manifest = try find() else { throw error }
      return .prepared(manifest)
    }
    if let manifest = try find() { return .prepared(manifest) }
    return .free(DatasetFiles(directory: directory, mark: mark))
  }

  /// What `open` found.
  enum Opened<Manifest> {
    /// The data set is there.
    case prepared(Manifest)
    /// It is to be made.
    case free(DatasetFiles)
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

    try mark.beginReplacing()
    for name in Self.otherNames { try remove(name) }
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
    try write(manifest)
    return manifest
  }

  /// Takes away a data set that is to be replaced, before any of the new one's files is there.
  func clear() throws(FileError) {
    try mark.beginReplacing()
    for name in Self.names { try remove(name) }
  }

  /// Makes the data set complete.
  func write(_ manifest: some PreparedManifest) throws {
    try AtomicFile.write(manifest.json(), to: path(Self.manifestName))
    mark.finishReplacing()
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
    try TextSpan.forEachPiece(
      of: spans, separating: (tokenizer.matcher, special), at: tokenizer.places
    ) { piece in
      switch piece {
      case .text(let text, let place):
        try writer.append(
          TextSpan.telling(of: text, in: spans) { (text) throws(TokenizerError) in
            try tokenizer.encode(part: text, at: place, special: special)
          })
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

  private func remove(_ name: String) throws(FileError) { try FileSystem.removeFile(path(name)) }
}
