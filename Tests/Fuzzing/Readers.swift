import Foundation
import LockstepCheckpoints
import LockstepDatasets
import LockstepModels
import LockstepScoring
import LockstepSweeps
import LockstepTensors
import LockstepTraining

/// What each reader is asked to read, and what must hold where it does.
enum Readers {
  /// What is accepted says the same when it is written and read again.
  static func configuration(_ folder: URL, _ damaged: DamagedCase) throws {
    let path = folder.appending(path: damaged.file).path
    let configuration = try RunConfiguration.load(path: path)
    let text = configuration.yaml(comments: false)
    do {
      let again = try RunConfiguration.parse(yaml: text, source: path).yaml(comments: false)
      try SilentAcceptance.unless(again == text, "another configuration after writing and reading")
    } catch let error as SilentAcceptance {
      throw error
    } catch {
      throw SilentAcceptance("what is written is refused: \(error)")
    }
  }

  static func sweep(_ folder: URL, _ damaged: DamagedCase) throws {
    let path = folder.appending(path: damaged.file).path
    let sweep = try SweepConfiguration.parse(
      yaml: RunConfiguration.readText(path: path), source: path)
    do {
      _ = try SweepConfiguration.parse(yaml: sweep.yaml(), source: path)
    } catch {
      throw SilentAcceptance("what is written is refused: \(error)")
    }
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
    _ = try RunHistory(path: folder.appending(path: "metrics.jsonl").path)
    _ = try Inspection(path: folder.path)
    let logits = compute(try TrainedModel.open(folder.path, in: Workspace()))
    try SilentAcceptance.unless(logits.allSatisfy(\.isFinite), "numbers that are not finite")
  }

  /// Ids are those of the vocabulary, and a tokenizer is the same when it is written and read again.
  static func tokenizer(_ folder: URL, _ damaged: DamagedCase) throws {
    let path = folder.appending(path: damaged.file).path
    let tokenizer = try TokenizerFile.load(path)
    for text in ["In the beginning", "a\u{0}é\u{1F600} <|endoftext|>[MASK]\r\n 12,345", ""] {
      // A text may hold what the vocabulary can not say.
      guard let ids = try? tokenizer.encode(text) else { continue }
      try SilentAcceptance.unless(
        ids.allSatisfy { 0..<Int32(tokenizer.vocabulary.count) ~= $0 }, "ids beyond the vocabulary")
      _ = tokenizer.decode(ids)
    }
    let copy = path + ".copy"
    try tokenizer.save(to: copy)
    defer { try? FileManager.default.removeItem(atPath: copy) }
    do {
      let again = try TokenizerFile.load(copy)
      try SilentAcceptance.unless(
        again.vocabulary == tokenizer.vocabulary, "another vocabulary after writing and reading")
    } catch let error as TokenizerError {
      throw SilentAcceptance("what is written is refused: \(error)")
    }
  }

  static func tokens(_ folder: URL, _ damaged: DamagedCase) throws {
    let file = try TokenFile(path: folder.appending(path: damaged.file).path)
    let count = file.vocabularyCount ?? 300
    try file.requireTokens(below: count)
    let tokens = file.tokens(0..<file.count)
    try SilentAcceptance.unless(
      tokens.allSatisfy { 0 <= $0 && Int($0) < count }, "tokens beyond the vocabulary")
  }

  static func table(_ folder: URL, _ damaged: DamagedCase) throws {
    let path = folder.appending(path: damaged.file).path
    let table = try CSVTable(GzipFile.contents(path), path: path)
    // Columns without a name are refused where they would be used.
    let names = table.columns.filter { !$0.isEmpty }
    try SilentAcceptance.unless(
      Set(names).count == names.count
        && table.rows.allSatisfy { $0.fields.count == table.columns.count },
      "columns of one name, or rows of another length")
    for column in table.columns.indices {
      for row in table.rows {
        // Most columns are no numbers.
        guard let number = try? table.number(row, column) else { break }
        try SilentAcceptance.unless(number.isFinite, "a number that is not finite")
      }
    }
  }

  static func images(_ folder: URL, _ damaged: DamagedCase) throws {
    let path = folder.appending(path: damaged.file).path
    let images = try IDXFile(GzipFile.contents(path), path: path, dimensionCount: 3)
    try SilentAcceptance.unless(
      images.dimensions.reduce(1, *) == images.elements.count, "another number of pixels")
  }

  static func vectors(_ folder: URL, _ damaged: DamagedCase) throws {
    let tokenizer = try TokenizerFile.load(folder.appending(path: "tokenizer.json").path)
    let vectors = try WordVectors(
      path: folder.appending(path: damaged.file).path, vocabulary: tokenizer.vocabulary, width: 4)
    try SilentAcceptance.unless(
      vectors.elements.count == 4 * vectors.tokens.count
        && vectors.elements.allSatisfy(\.isFinite), "vectors that are not finite")
  }

  static func score(_ folder: URL, _ damaged: DamagedCase) throws {
    var score = CorpusScore()
    try score.add(
      hypotheses: folder.appending(path: "hypotheses.txt").path,
      references: [folder.appending(path: "references.txt").path])
    _ = try JSONEncoder().encode(ScoreReport(score))
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
      case .sequenceToSequence:
        return []
      case .prediction(let model):
        let shape = [1] + (trained.samples?.sampleShape ?? [1])
        let values = [Float](repeating: 0.5, count: shape.reduce(1, *))
        return model.outputs(of: Tensor(values, shape: Shape(shape), in: trained.workspace))
          .elements
      }
    }
  }
}
