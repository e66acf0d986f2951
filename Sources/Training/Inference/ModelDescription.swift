import Foundation
import LockstepCheckpoints
import LockstepDatasets
import LockstepFiles
import LockstepModels
import LockstepParallelism
import LockstepSettings

/// Everything that files say of a trained model but its parameters.
struct ModelDescription {
  /// The directory that was read.
  let path: String
  /// Nil for the directory of another program.
  let checkpoint: Checkpoint?
  /// Newer checkpoints of the run that were passed over, newest first.
  let skipped: [SkippedCheckpoint]
  /// Of the run; nil for another program's model.
  let configuration: RunConfiguration?
  let architecture: any Architecture
  /// Nil where there is none.
  let tokenizer: (any Tokenizer)?
  /// Of the samples that a predictor learned from; nil for a model of text.
  let samples: SampleDescription?
  /// What the directory holds in place of a model's weights, where it is `peft`'s; nil: those.
  let foreignAdapter: StoredAdapter?

  /// Reads a run's newest complete checkpoint, a checkpoint, or the directory of another program.
  ///
  /// `config.yaml` describes the architecture completely and decides where it is there; `config.json`
  /// is for other programs, and for their directories.
  ///
  /// - Parameter skipped: Of a checkpoint: newer ones of its run that were passed over. Default: none.
  /// - Throws: As `TrainedModel.open`, but for tensors.
  init(at place: ModelPlace, skipped: [SkippedCheckpoint] = []) throws {
    switch place {
    case .run(let run):
      let newest = try run.newestModel()
      try self.init(
        directory: newest.checkpoint.path, checkpoint: newest.checkpoint, skipped: newest.skipped)
    case .checkpoint(let checkpoint):
      try self.init(directory: checkpoint.path, checkpoint: checkpoint, skipped: skipped)
    case .directory(let path):
      try self.init(directory: path, checkpoint: nil)
    }
  }

  /// Reads what lies at a path, of a run its newest complete checkpoint.
  ///
  /// - Throws: As `TrainedModel.open`, but for tensors.
  static func reading(_ path: String, threads: ThreadPool) throws -> ModelDescription {
    try ModelPlace.reading(path, threads: threads) { place, skipped in
      try ModelDescription(at: place, skipped: skipped)
    }
  }

  private init(
    directory: String, checkpoint: Checkpoint?, skipped: [SkippedCheckpoint] = []
  ) throws {
    path = directory
    self.checkpoint = checkpoint
    self.skipped = skipped
    let names = Set(try FileSystem.names(in: directory))
    if names.contains("config.yaml") {
      let configuration = try RunConfiguration.load(path: directory + "/config.yaml")
      architecture = configuration.model.architecture
      self.configuration = configuration
      foreignAdapter = nil
    } else if names.contains(PeftFormat.configurationName) {
      let adapter = try StoredAdapter(ofPeft: directory)
      foreignAdapter = adapter
      architecture = adapter.base.architecture
      configuration = nil
    } else if names.contains("config.json") {
      let path = directory + "/config.json"
      architecture =
        try ModelConfiguration(huggingFaceJSON: Self.contents(path), path: path).architecture
      configuration = nil
      foreignAdapter = nil
    } else {
      throw LoadingError.noModel(path: directory, found: names.sorted())
    }
    tokenizer =
      names.contains("tokenizer.json")
      ? try TokenizerFile.load(directory + "/tokenizer.json") : foreignAdapter?.base.tokenizer
    samples =
      names.contains("samples.json")
      ? try SampleDescription(
        description: Self.contents(directory + "/samples.json"), path: directory + "/samples.json")
      : nil
    if let tokenizer, names.contains(DataRecord.fileName) {
      try DataRecord.requireTokenizer(tokenizer, ofModelIn: directory)
    }
    try requireTokenizerFits()
    try requireSamplesFit()
  }

  var kind: ModelKind { type(of: architecture).kind }

  /// V of a model of text.
  ///
  /// - Throws: `LoadingError.noVocabulary` where neither the model nor a tokenizer says it.
  func vocabularyCount() throws(LoadingError) -> Int {
    guard let count = architecture.vocabulary ?? tokenizer?.vocabularyCount else {
      throw .noVocabulary(path: path)
    }
    return count
  }

  private func requireTokenizerFits() throws(LoadingError) {
    guard let tokens = tokenizer?.vocabularyCount, let model = architecture.vocabulary else {
      return
    }
    guard tokens <= model else {
      throw .otherTokenizer(path: path + "/tokenizer.json", tokens: tokens, model: model)
    }
  }

  /// The samples must be such as the run's configuration learns from.
  private func requireSamplesFit() throws(DescriptionError) {
    guard let samples, let recipe = configuration?.recipe else { return }
    let isTable = samples.columns != nil
    var problems: [String] = []
    if isTable != (recipe.data.format.variantName == "csv") {
      problems.append(
        "columns: found \(isTable ? "a table's" : "none"), but data.format in config.yaml is "
          + recipe.data.format.variantName)
    }
    if (samples.classes != nil) != (recipe.task == .classification) {
      problems.append(
        "classes: found \(samples.classes.map { "\($0.count)" } ?? "none"), but task in config.yaml is "
          + recipe.task.rawValue)
    }
    guard problems.isEmpty else {
      throw DescriptionError(path: path + "/samples.json", problems: problems)
    }
  }

  private static func contents(_ path: String) throws -> [UInt8] {
    try MappedFile(path: path).withBytes { Array($0) }
  }
}
