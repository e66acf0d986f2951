import Foundation
import LockstepChatTemplates
import LockstepCheckpoints
import LockstepDatasets
import LockstepEncryption
import LockstepFiles
import LockstepKeys
import LockstepModels
import LockstepScoring
import LockstepSweeps
import LockstepTensors
import LockstepTraining
import LockstepWeights
import ReaderClaims

/// What each reader is asked to read, and what must hold where it does.
enum Readers {
  static func configuration(_ folder: URL, _ damaged: DamagedCase) throws {
    try ReaderClaims.require(RunConfiguration.load(path: folder.appending(path: damaged.file).path))
  }

  static func sweep(_ folder: URL, _ damaged: DamagedCase) throws {
    let path = folder.appending(path: damaged.file).path
    let sweep = try SweepConfiguration.parse(
      yaml: RunConfiguration.readText(path: path), source: path)
    try ReaderClaims.require(sweep, source: path)
  }

  /// Of weights that are as they were, whatever describes them, every logit is finite.
  static func model(_ folder: URL, _ damaged: DamagedCase) throws {
    let trained = try TrainedModel.open(folder.path, in: Workspace())
    let logits = compute(trained)
    guard damaged.file.hasSuffix(".json") else { return }
    try SilentAcceptance.unless(logits.allSatisfy(\.isFinite), "logits that are not finite")
  }

  /// A file that a manifest lists, and whose hash is another, is refused. Whoever makes the hash agree
  /// gets a refusal or a model that computes.
  static func checkpoint(_ folder: URL, _ damaged: DamagedCase) throws {
    let path =
      folder.appending(path: (damaged.file as NSString).deletingLastPathComponent).path
    let checkpoint = try Checkpoint(path: path)
    try checkpoint.verify()
    _ = try checkpoint.state()
    let trained = try TrainedModel.open(path, in: Workspace())
    let logits = compute(trained)
    let isManifest = damaged.file.hasSuffix("manifest.json")
    try SilentAcceptance.unless(
      isManifest || damaged.isSigned || !damaged.isChanged, "a file that is not the manifest's")
    try SilentAcceptance.unless(logits.allSatisfy(\.isFinite), "numbers that are not finite")
    _ = try Inspection(path: path)
  }

  static func run(_ folder: URL, _ damaged: DamagedCase) throws {
    _ = try LossHistory(path: folder.appending(path: "metrics.jsonl").path)
    _ = try Inspection(path: folder.path)
    let logits = compute(try TrainedModel.open(folder.path, in: Workspace()))
    try SilentAcceptance.unless(logits.allSatisfy(\.isFinite), "numbers that are not finite")
  }

  static func tokenizer(_ folder: URL, _ damaged: DamagedCase) throws {
    try ReaderClaims.require(TokenizerFile.load(folder.appending(path: damaged.file).path))
  }

  static func tokens(_ folder: URL, _ damaged: DamagedCase) throws {
    try ReaderClaims.require(TokenFile(path: folder.appending(path: damaged.file).path))
  }

  static func table(_ folder: URL, _ damaged: DamagedCase) throws {
    let path = folder.appending(path: damaged.file).path
    try ReaderClaims.require(CSVTable(GzipFile.contents(path), path: path))
  }

  static func images(_ folder: URL, _ damaged: DamagedCase) throws {
    let path = folder.appending(path: damaged.file).path
    try ReaderClaims.require(IDXFile(GzipFile.contents(path), path: path, dimensionCount: 3))
  }

  static func vectors(_ folder: URL, _ damaged: DamagedCase) throws {
    let tokenizer = try TokenizerFile.load(folder.appending(path: "tokenizer.json").path)
    let vectors = try WordVectors(
      path: folder.appending(path: damaged.file).path, vocabulary: tokenizer.vocabulary, width: 4)
    try ReaderClaims.require(vectors, width: 4)
  }

  /// A GGUF file holds its description and its weights: what is accepted computes, and is written as one
  /// that is read again.
  static func gguf(_ folder: URL, _ damaged: DamagedCase) throws {
    let path = folder.appending(path: damaged.file).path
    let trained = try TrainedModel.open(path, in: Workspace())
    _ = compute(trained)
    _ = try Inspection(path: path)
    try ReaderClaims.require(GGUFReader(path: path))
  }

  /// Of a file that was changed anywhere, nothing is read as a whole; pieces of it are those of the content, or
  /// refused.
  static func encrypted(_ folder: URL, _ damaged: DamagedCase) throws {
    let content = [UInt8](
      try Data(
        contentsOf: folder.appending(
          path: damaged.file.replacing("secret/", with: "plain/", maxReplacements: 1))))
    let key = try KeySource.file(folder.appending(path: "key").path).read()
    let path = folder.appending(path: damaged.file).path
    let reader = try EncryptedFileReader(MappedFile(storedAt: path), key: key, path: path)
    var piece = [UInt8](repeating: 0, count: 10_000)
    for start in stride(from: 0, to: reader.count, by: piece.count) {
      let range = start..<min(start + piece.count, reader.count)
      let isRead =
        (try? piece.withUnsafeMutableBytes { try reader.read(range, into: $0) }) != nil
      try SilentAcceptance.unless(
        !isRead
          || (range.upperBound <= content.count && piece[..<range.count] == content[range]),
        "bytes \(range) that nobody encrypted")
    }
    var whole = [UInt8](repeating: 0, count: reader.count)
    try whole.withUnsafeMutableBytes { try reader.read(0..<reader.count, into: $0) }
    try SilentAcceptance.unless(!damaged.isChanged, "a file that was changed")
    try SilentAcceptance.unless(whole == content, "other bytes than were encrypted")
  }

  static func score(_ folder: URL, _ damaged: DamagedCase) throws {
    var score = CorpusScore()
    try score.add(
      hypotheses: folder.appending(path: "hypotheses.txt").path,
      references: [folder.appending(path: "references.txt").path])
    _ = try JSONEncoder().encode(ScoreReport(score))
  }

  static func template(_ folder: URL, _ damaged: DamagedCase) throws {
    let bytes = try Data(contentsOf: folder.appending(path: damaged.file))
    let template = try ChatTemplate(String(decoding: bytes, as: UTF8.self), name: damaged.file)
    try ReaderClaims.require(template)
  }

  static func conversations(_ folder: URL, _ damaged: DamagedCase) throws {
    try prepare(folder, damaged, arePreferences: false)
  }

  static func preferences(_ folder: URL, _ damaged: DamagedCase) throws {
    try prepare(folder, damaged, arePreferences: true)
  }

  private static func prepare(
    _ folder: URL, _ damaged: DamagedCase, arePreferences: Bool
  ) throws {
    let output = folder.appending(path: "out")
    try? FileManager.default.removeItem(at: output)
    guard let template = try ChatTemplate.builtIn("chatml") else { return }
    let outcome = try ConversationPreparation(
      inputs: [folder.appending(path: damaged.file).path], output: output.path,
      tokenizer: ByteTokenizer(), at: "bytes", template: template,
      variables: ChatTemplate.Context(), arePreferences: arePreferences, validationFraction: 0
    ).run()
    let file = try ConversationFile.beside([TokenFile(path: output.path + "/train.bin")])
    try SilentAcceptance.unless(
      file?.count == outcome.manifest.train.conversations, "another number of conversations")
  }

  static func texts(_ folder: URL, _ damaged: DamagedCase) throws {
    let path = folder.appending(path: damaged.file).path
    let texts = try LabeledText.read(
      GzipFile.contents(path), path: path, text: "text", target: "kind")
    let classes = LabeledText.classes(of: texts)
    let found = try ClassifiedTexts(
      texts, path: path, classes: classes, tokenizer: ByteTokenizer(), context: 8)
    try SilentAcceptance.unless(
      found.count == texts.count && found.ends.last == found.tokens.count, "another number of texts"
    )
  }

  static func chat(_ folder: URL, _ damaged: DamagedCase) throws {
    let (_, chat) = try TrainedModel.chatTokenizer(
      at: folder.appending(path: "tokenizer.json").path)
    if let template = chat.template {
      try ReaderClaims.require(ChatTemplate(template, name: chat.templatePath))
    }
    let file = try ConversationFile.beside([
      TokenFile(path: folder.appending(path: "train.bin").path)
    ])
    guard let file else { return }
    let loader = try ConversationLoader(
      file, sequences: 2, context: 4096, learned: .completions)
    var batch = loader.emptyBatch()
    loader.fill(&batch, step: 0, microbatch: 0)
    try SilentAcceptance.unless(
      batch.documentStarts.enumerated().allSatisfy { $0 % 4096 >= Int($1) && $1 >= 0 },
      "a conversation that begins behind its tokens")
  }

  /// What a model says of a few tokens, or of one sample.
  private static func compute(_ trained: TrainedModel) -> [Float] {
    trained.workspace.withoutRecording {
      switch trained.model {
      case .language(let model):
        let tokens = (0..<min(4, model.context)).map(Int32.init)
        return model.logits(of: Indices(tokens, shape: [1, tokens.count])).elements
      case .maskedLanguage(let model):
        let tokens = Indices([0, 1], shape: [1, 2])
        let states = model.headStates(of: tokens, at: PredictedPositions(tokens))
        return model.logits(ofHeadStates: states).elements
      case .encoder(let model):
        return model.states(of: Indices([0, 1], shape: [1, 2])).elements
      case .sequenceToSequence:
        return []
      case .prediction(let model):
        let shape = [1] + (trained.samples?.sampleShape ?? [1])
        let values = [Float](repeating: 0.5, count: shape.reduce(1, *))
        return model.outputs(of: Tensor(values, shape: Shape(shape), in: trained.workspace))
          .elements
      case .textClassification(let model):
        return model.outputs(of: Indices([0, 1], shape: [1, 2]), lengths: [2]).elements
      }
    }
  }
}
