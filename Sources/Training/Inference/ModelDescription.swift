import Foundation
import LockstepCheckpoints
import LockstepDatasets
import LockstepFiles
import LockstepModels
import LockstepParallelism
import LockstepSettings
import LockstepWeights

/// Everything that files say of a trained model but its parameters.
struct ModelDescription {
  /// The directory that was read, or the GGUF file.
  let path: String
  /// Nil for a directory.
  let gguf: GGUFReader?
  /// Nil for the directory of another program.
  let checkpoint: Checkpoint?
  /// Newer checkpoints of the run that were passed over, newest first.
  let skipped: [SkippedCheckpoint]
  /// Of the run; nil for another program's model.
  let configuration: RunConfiguration?
  let architecture: any Architecture
  /// Nil where there is none.
  let tokenizer: (any Tokenizer)?
  /// How texts begin and end, and how conversations are written as such.
  let conventions: TextConventions
  /// Of the samples that a predictor learned from; nil for a model of text.
  let samples: SampleDescription?
  /// Those that a model sorts texts into; nil for a model that does not.
  let classes: TextClasses?
  /// What the directory holds in place of a model's weights, where it is `peft`'s; nil: those.
  let foreignAdapter: StoredAdapter?
  /// What a user should know of how the files were read, a line each; usually nothing.
  let notices: [String]

  /// Reads a run's newest complete checkpoint, a checkpoint, the directory of another program, or a GGUF
  /// file.
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
    case .gguf(let path):
      try self.init(gguf: GGUFReader(path: path))
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

  private init(gguf file: GGUFReader) throws {
    let model = try ForeignModel(file)
    path = file.path
    foreignAdapter = nil
    gguf = file
    architecture = model.configuration.architecture
    notices = model.notices
    checkpoint = nil
    skipped = []
    configuration = nil
    samples = nil
    classes = nil
    tokenizer = try file.tokenizer()
    conventions = try TextConventions(of: file)
    try requireTokenizerFits()
  }

  private init(
    directory: String, checkpoint: Checkpoint?, skipped: [SkippedCheckpoint] = []
  ) throws {
    path = directory
    gguf = nil
    self.checkpoint = checkpoint
    self.skipped = skipped
    let names = Set(try FileSystem.names(in: directory))
    var classes: TextClasses?
    var notices: [String] = []
    if names.contains("config.yaml") {
      let configuration = try RunConfiguration.load(path: directory + "/config.yaml")
      architecture = configuration.model.architecture
      if configuration.recipe.classifiesTexts {
        let path = directory + "/" + TextClasses.fileName
        guard names.contains(TextClasses.fileName) else {
          throw LoadingError.noDescription(path: path, problem: "no such file")
        }
        classes = try TextClasses(json: Self.contents(path), path: path)
        classes?.asksOfEachClass = configuration.recipe.asksOfEachClass
      }
      self.configuration = configuration
      foreignAdapter = nil
    } else if names.contains(PeftFormat.configurationName) {
      let adapter = try StoredAdapter(ofPeft: directory)
      foreignAdapter = adapter
      architecture = adapter.base.architecture
      configuration = nil
      notices = adapter.base.notices
    } else if names.contains("config.json") {
      let path = directory + "/config.json"
      let bytes = try Self.contents(path)
      let model = try ForeignModel(huggingFaceJSON: bytes, path: path)
      classes = try TextClasses(huggingFaceJSON: bytes, path: path)
      architecture = model.configuration.architecture
      configuration = nil
      foreignAdapter = nil
      notices = model.notices.map { "\(path): \($0)" }
    } else {
      throw LoadingError.noModel(path: directory, found: names.sorted())
    }
    self.classes = classes
    tokenizer =
      names.contains(TextConventions.tokenizerName)
      ? try TokenizerFile.load(directory + "/" + TextConventions.tokenizerName)
      : foreignAdapter?.base.tokenizer
    let own = try TextConventions(in: directory, names: names, tokenizer: tokenizer)
    conventions = own == TextConventions() ? foreignAdapter?.base.conventions ?? own : own
    self.notices = notices + own.notices
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

  /// One line about the network, for people.
  var summary: String {
    guard let classes, let classifying = architecture as? any ClassifyingArchitecture else {
      return architecture.summary
    }
    return "\(classifying.bodySummary), \(classes.names.count) classes of texts"
  }

  var kind: ModelKind { classes == nil ? architecture.role.kind : .textClassification }

  /// The file that the tokenizer is in.
  var tokenizerPath: String { gguf?.path ?? path + "/tokenizer.json" }

  /// The model's tensors, under the names of its parameters.
  func weights() throws(WeightError) -> any WeightSource {
    if let gguf { return architecture.weights(of: gguf) }
    return try WeightFormat.source(in: path)
  }

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
      throw .otherTokenizer(path: tokenizerPath, tokens: tokens, model: model)
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

  static func contents(_ path: String) throws -> [UInt8] {
    try MappedFile(path: path).withBytes { Array($0) }
  }
}
