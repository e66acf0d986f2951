import LockstepCommunication
import LockstepDatasets
import LockstepModels
import LockstepNeuralNetworks
import LockstepTensors

/// Opens the data of a run and makes the task: what all tasks have in common. Each task has an extension.
struct TaskPreparation {
  /// The run's recipe, with paths that can be opened here.
  let recipe: Recipe
  /// The recipe's parts with the paths that the configuration has.
  let named: Recipe.Parts
  /// The path of the word vectors that the configuration has; nil: there are none.
  let vectorsNamed: String?
  /// The path of the teacher that the configuration has; nil: there is none.
  let teacherNamed: String?
  /// `batch`, `seed`, `steps`, `evaluate` and `samples` are used.
  let plan: Plan
  /// Files of each checkpoint, beside those that the task knows of.
  let files: [(name: String, bytes: [UInt8])]
  /// What the run begins as.
  let beginning: Beginning
  /// The description of the samples that a run which goes on has learned from; nil: there is none.
  let resumedSamples: SampleDescription?
  /// Bytes that this rank's host can give; nil: it does not say.
  let memory: Int?
  let communicator: any Communicator

  /// T, the model's context in tokens.
  var context: Int { recipe.model.context }

  var labelSmoothing: Double { recipe.loss.kind.labelSmoothing }

  /// Opens the data and makes the task. Collective.
  ///
  /// - Parameter parts: The recipe's.
  /// - Throws: `AgreedError` with what is wrong with the data, or a `MemoryError`.
  func prepare(_ parts: Recipe.Parts) throws -> PreparedTask {
    switch parts {
    case .languageModeling(let tokens, let architecture):
      try languageModeling(tokens, architecture)
    case .chat(let conversations, let architecture):
      try chat(conversations, architecture)
    case .preferences(let preferences, let loss, let architecture):
      try self.preferences(preferences, loss, architecture)
    case .maskedLanguageModeling(let tokens, let architecture):
      try maskedLanguageModeling(tokens, architecture)
    case .translation(let pairs, let architecture):
      try translation(pairs, architecture)
    case .textClassification(let texts, let architecture):
      try textClassification(texts, architecture)
    case .prediction(let source, let architecture):
      try prediction(source, architecture)
    }
  }

  /// Sees that the data were made with the tokenizer that the run's weights learned with. Collective.
  ///
  /// - Parameters:
  ///   - tokenizer: That of the data; nil: not known.
  ///   - path: Where it is; nil: not known.
  func requireTokenizer(_ tokenizer: (any Tokenizer)?, path: String?) throws {
    try communicator.agree { try beginning.weights?.require(tokenizer, path: path) }
  }

  /// The model that is learned from; nil where there is none. Collective.
  func openTeacher(of text: TextFiles) throws -> Teacher? {
    guard let path = recipe.loss.kind.distillation?.teacher else { return nil }
    return try Teacher(
      at: path, named: teacherNamed ?? path, tokenizer: text.tokenizer, context: context,
      vocabularyCount: text.vocabularyCount, communicator)
  }

  /// How the model learns from its teacher; nil where there is none.
  func distillation(_ teacher: Teacher?) -> Distillation? {
    guard let keys = recipe.loss.kind.distillation else { return nil }
    return teacher.map { Distillation($0.frozen, keys) }
  }

  /// Makes the model what the recipe trains of it, and sees that there is memory for that. Collective.
  ///
  /// - Parameters:
  ///   - shape: The shape of a sample, as the model sees it.
  ///   - frozen: A second model in memory; nil: there is none. Default: nil.
  func adapt(
    _ model: any Module, toSequencesOf shape: Shape, beside frozen: (any Module)? = nil
  ) throws {
    // Kept by each rank's own estimate, for hosts may differ.
    try communicator.agree {
      try recipe.adapt(model)
      let kept = recipe.model.architecture.keptElementCount(
        sequences: plan.batch.sequences, of: shape)
      try MemoryEstimate(
        of: model, keptElementCount: kept, plan: plan, ranks: communicator.size,
        beside: [frozen].compactMap(\.self)
      ).requireFits(plan, topology: communicator.topology, available: memory)
    }
  }

  /// Files of each checkpoint: those that all tasks have, and `data.json` on the rank that knows what is in
  /// the data.
  func checkpointFiles(_ record: DataRecord?) throws -> [(name: String, bytes: [UInt8])] {
    try files + (record.map { [(DataRecord.fileName, try $0.json())] } ?? [])
  }

  /// What other programs know the model by: `config.json`, where they have such a model; of an adapter
  /// `adapter_config.json`.
  func interchangeFiles(
    for text: TextFiles, of network: any Module
  ) throws -> [(name: String, bytes: [UInt8])] {
    try descriptionFiles(of: network) {
      try recipe.model.huggingFaceJSON(
        vocabularyCount: text.vocabularyCount, endOfText: text.tokenizer?.endOfText.map(Int.init))
    }
  }

  /// - Parameter whole: `config.json` of the model without an adapter; nil: there is none.
  func descriptionFiles(
    of network: any Module, whole: () throws -> [UInt8]?
  ) throws -> [(name: String, bytes: [UInt8])] {
    if let description = try recipe.peftJSON(of: network) {
      return [(PeftFormat.configurationName, description)]
    }
    return try whole().map { [("config.json", $0)] } ?? []
  }
}
