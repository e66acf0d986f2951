import LockstepCommunication
import LockstepDatasets
import LockstepModels
import LockstepNeuralNetworks
import LockstepSettings
import LockstepTensors

/// The task that a configuration names, its data opened on every rank.
///
/// A further task gets a case in `TaskName`, in `Recipe.Parts` and one here; everything else asks the
/// protocol.
package struct PreparedTask {
  package var task: any TrainingTask
  /// One line about the data, for the console.
  var dataSummary: String
  /// What the targets are, which are counted: "tokens" or "samples".
  let unit: String
  /// Samples in an epoch; nil where that is not what the data are divided into.
  var epochLength: Int?
  /// One line about a step's batch; nil where it has as many targets as `batch` and `model.context` say.
  var batchSummary: String?
  /// What is in the files; on rank zero only.
  package var data: DataRecord?
  /// One line about pretrained vectors; nil: there are none, or this is not rank zero.
  var wordVectorSummary: String?
  /// Makes what the run shows of its model; nil where that is not asked for.
  var samples: (any SampleMaker)?
  /// Opens the files of a client; nil: such a task has no clients.
  var openClient: ClientFiles.Opening?
  /// What the user should know of the data, one sentence each; on rank zero only.
  var notices: [String] = []
}

extension RunConfiguration {
  /// Opens the data and makes the task. Collective.
  ///
  /// - Parameters:
  ///   - beginning: What the run begins as. Default: random numbers.
  ///   - samples: Of a run that goes on, the description of the samples that it learned from. Default: a
  ///     new run, or texts.
  ///   - resumes: Whether the run goes on: clients whose data are gone are then left out. Default: false.
  ///   - memory: Bytes that this rank's host can give. Default: what it says.
  /// - Throws: `AgreedError` with what is wrong with the configuration or the data, or a `MemoryError`.
  package func prepareTask(
    _ communicator: any Communicator, beginning: Beginning = Beginning(),
    resuming samples: SampleDescription? = nil, resumes: Bool = false,
    memory: Int? = HostMemory.available
  ) throws -> PreparedTask {
    let located = locatingFiles().recipe
    let common = commonRecipe(located)
    let (parts, named) = try communicator.agree {
      try validate(ranks: communicator.size)
      return (try common.parts(), try commonRecipe(recipe).parts())
    }
    let prepared = try common.prepareTask(
      of: parts, named: named, vectorsNamed: recipe.wordVectors.path,
      teacherNamed: recipe.loss.kind.distillation?.teacher, plan: plan,
      files: [("config.yaml", Array(yaml().utf8))], beginning: beginning, resuming: samples,
      memory: memory, communicator: communicator)
    return try dealt(
      prepared, located: located.data, resumes: resumes, communicator: communicator)
  }
}

extension Recipe {
  /// Opens the data and makes the task. Collective.
  ///
  /// - Parameters:
  ///   - parts: This recipe's, whose files can be opened by their paths.
  ///   - named: The same with the paths that the configuration has.
  ///   - vectorsNamed: Likewise of the word vectors.
  ///   - teacherNamed: Likewise of the teacher.
  ///   - plan: `batch`, `seed`, `steps` and `evaluate` are used.
  ///   - files: Of each checkpoint, beside those that the task knows of.
  ///   - beginning: What the run begins as.
  ///   - samples: Of a run that goes on, the description of the samples that it learned from.
  ///   - memory: Bytes that this rank's host can give; nil: it does not say.
  /// - Throws: `AgreedError` with what is wrong with the data.
  fileprivate func prepareTask(
    of parts: Parts, named: Parts, vectorsNamed: String?, teacherNamed: String?, plan: Plan,
    files: [(name: String, bytes: [UInt8])], beginning: Beginning,
    resuming samples: SampleDescription?, memory: Int?, communicator: any Communicator
  ) throws -> PreparedTask {
    let smoothing = loss.kind.labelSmoothing
    /// The model that is learned from; nil where there is none. Collective.
    func teacher(_ text: TextFiles) throws -> Teacher? {
      guard let path = loss.kind.distillation?.teacher else { return nil }
      return try Teacher(
        at: path, named: teacherNamed ?? path, tokenizer: text.tokenizer, context: model.context,
        vocabularyCount: text.vocabularyCount, communicator)
    }
    func distillation(_ teacher: Teacher?) -> Distillation? {
      guard let keys = loss.kind.distillation else { return nil }
      return teacher.map { Distillation($0.frozen, keys) }
    }
    /// Collective.
    func prompted(
      _ model: any LanguageModel, _ text: TextFiles
    ) throws -> (any SampleMaker)? {
      guard plan.samples.every > 0 else { return nil }
      return try communicator.agree {
        try PromptSamples(
          of: model, tokenizer: text.tokenizer, ends: text.ends, plan.samples,
          seed: UInt64(plan.seed))
      }
    }
    /// Makes the model what the recipe trains of it, and sees that there is memory for that. Collective.
    func adapt(
      _ model: any Module, toSequencesOf shape: Shape, beside frozen: (any Module)? = nil
    ) throws {
      // Kept by each rank's own estimate, for hosts may differ.
      try communicator.agree {
        try self.adapt(model)
        let kept = self.model.architecture.keptElementCount(
          sequences: plan.batch.sequences, of: shape)
        try MemoryEstimate(
          of: model, keptElementCount: kept, plan: plan, ranks: communicator.size,
          beside: [frozen].compactMap(\.self)
        ).requireFits(plan, topology: communicator.topology, available: memory)
      }
    }
    switch parts {
    case .languageModeling(let tokens, let architecture):
      // A checkpoint holds what the vectors have become.
      var wordVectors = wordVectors
      if beginning.isOfCheckpoint { wordVectors.path = nil }
      let data = try LanguageModelingData(
        tokens, context: model.context, vocabularyCount: model.vocabulary,
        communicator: communicator)
      var record = try communicator.agree {
        try data.text.record(
          named: named.tokens, added: tokens.augmentation.sentinelNames(positions: model.context),
          vectors: wordVectors.path, vectorsNamed: vectorsNamed)
      }
      let teacher = try teacher(data.text)
      record?.files += beginning.record + (teacher?.record ?? [])
      try communicator.agree {
        try beginning.weights?.require(data.text.tokenizer, path: tokens.tokenizer)
      }
      let network = architecture.model(vocabularyCount: data.vocabularyCount)
      try adapt(network, toSequencesOf: [model.context], beside: teacher?.frozen.model)
      let task = try communicator.agree {
        try data.task(
          of: network, plan: plan,
          labelSmoothing: smoothing, wordVectors: wordVectors,
          files: files + Self.files(of: record) + interchangeFiles(for: data.text, of: network))
      }
      task.distillation = distillation(teacher)
      return PreparedTask(
        task: task, dataSummary: data.text.summary, unit: "tokens", epochLength: nil,
        data: record,
        wordVectorSummary: task.wordVectors.map {
          $0.summary + (wordVectors.trained ? "" : ", not trained")
        },
        samples: try prompted(network, data.text),
        openClient: data.clients(of: network, plan: plan, labelSmoothing: smoothing))
    case .chat(let conversations, let architecture):
      let data = try ConversationData(
        conversations, context: model.context, vocabularyCount: model.vocabulary,
        communicator: communicator)
      var record = try communicator.agree {
        try communicator.isRankZero
          ? DataRecord(
            train: data.train, validation: data.validation,
            named: named.conversations ?? conversations, tokenizer: data.text.tokenizer) : nil
      }
      let teacher = try teacher(data.text)
      record?.files += beginning.record + (teacher?.record ?? [])
      try communicator.agree {
        try beginning.weights?.require(data.text.tokenizer, path: conversations.tokenizer)
      }
      let network = architecture.model(vocabularyCount: data.vocabularyCount)
      try adapt(network, toSequencesOf: [model.context], beside: teacher?.frozen.model)
      let (task, batchSummary) = try communicator.agree {
        (
          try data.task(
            of: network, plan: plan, labelSmoothing: smoothing,
            files: files + Self.files(of: record)
              + interchangeFiles(for: data.text, of: network)),
          try data.batchSummary(plan)
        )
      }
      task.distillation = distillation(teacher)
      return PreparedTask(
        task: task, dataSummary: data.summary, unit: "tokens", epochLength: nil,
        batchSummary: batchSummary, data: record,
        samples: data.samples(of: network, plan),
        openClient: data.clients(of: network, plan: plan, labelSmoothing: smoothing))
    case .preferences(let preferences, let loss, let architecture):
      let data = try PreferenceData(
        preferences, context: model.context, vocabularyCount: model.vocabulary,
        communicator: communicator)
      let (files, text) = (files, data.files.text)
      var record = try communicator.agree {
        try communicator.isRankZero
          ? DataRecord(
            train: data.files.train, validation: data.files.validation,
            named: (named.preferences ?? preferences).conversations, tokenizer: text.tokenizer)
          : nil
      }
      record?.files += beginning.record
      try communicator.agree {
        try beginning.weights?.require(text.tokenizer, path: preferences.tokenizer)
      }
      let network = architecture.model(vocabularyCount: data.files.vocabularyCount)
      let frozen = try communicator.agree {
        try frozenReference(
          architecture.model(vocabularyCount: data.files.vocabularyCount), beginning.weights)
      }
      try adapt(network, toSequencesOf: [model.context], beside: frozen?.model)
      let (task, batchSummary) = try communicator.agree {
        (
          try data.task(
            PreferenceObjective(
              model: network,
              reference: frozen.map { .frozen($0) }
                ?? .withoutAdapters(AdaptedLayers(of: network)),
              configuration: loss), plan: plan,
            files: files + Self.files(of: record) + interchangeFiles(for: text, of: network)),
          try data.batchSummary(plan)
        )
      }
      return PreparedTask(
        task: task, dataSummary: data.summary, unit: "preferences", epochLength: nil,
        batchSummary: batchSummary, data: record)
    case .maskedLanguageModeling(let tokens, let architecture):
      let data = try MaskedLanguageModelingData(
        tokens, masking: masking, context: model.context, vocabularyCount: model.vocabulary,
        communicator: communicator)
      var record = try communicator.agree {
        try data.text.record(
          named: named.tokens, added: [Vocabulary.maskName], vectors: nil, vectorsNamed: nil)
      }
      record?.files += beginning.record
      try communicator.agree {
        try beginning.weights?.require(data.text.tokenizer, path: tokens.tokenizer)
      }
      let network = architecture.model(vocabularyCount: data.vocabularyCount)
      try adapt(network, toSequencesOf: [model.context])
      let task = try communicator.agree {
        try data.task(
          of: network, plan: plan, labelSmoothing: smoothing,
          files: files + Self.files(of: record) + interchangeFiles(for: data.text, of: network))
      }
      return PreparedTask(
        task: task, dataSummary: data.text.summary, unit: "tokens", epochLength: nil,
        data: record,
        samples: try plan.samples.every == 0
          ? nil
          : communicator.agree {
            try MaskedSamples(of: network, tokenizer: data.text.tokenizer, plan.samples)
          })
    case .translation(let pairs, let architecture):
      let data = try TranslationData(
        pairs, vocabularyCount: model.vocabulary, communicator: communicator)
      let record = try communicator.agree {
        try communicator.isRankZero
          ? DataRecord(
            train: data.train, validation: data.validation, named: named.pairs ?? pairs,
            tokenizer: data.tokenizer) : nil
      }
      let network = architecture.model(vocabularyCount: data.vocabularyCount)
      try adapt(network, toSequencesOf: [data.train.meanLength(fitting: model.context)])
      let task = try communicator.agree {
        try data.task(
          of: network, plan: plan, labelSmoothing: smoothing,
          files: files + Self.files(of: record))
      }
      return PreparedTask(
        task: task, dataSummary: data.summary, unit: "tokens", epochLength: nil,
        batchSummary: task.batchSummary(steps: plan.steps), data: record,
        samples: plan.samples.every == 0
          ? nil
          : data.validation.map {
            TranslatedSamples(
              model: network, tokenizer: data.tokenizer, pairs: $0, configuration: plan.samples)
          })
    case .textClassification(let texts, let architecture):
      let data = try TextClassificationData(
        texts, named: named.texts, context: model.context, vocabularyCount: model.vocabulary,
        communicator: communicator)
      var record = data.record
      record?.files += beginning.record
      try communicator.agree {
        try beginning.weights?.require(data.tokenizer, path: texts.tokenizer)
      }
      let network = architecture.classifier(
        vocabularyCount: data.vocabularyCount, classCount: data.classes.names.count)
      try adapt(network, toSequencesOf: [model.context])
      let task = try communicator.agree {
        try data.task(
          of: network, plan: plan, loss: loss,
          files: files + Self.files(of: record)
            + descriptionFiles(of: network) {
              try architecture.huggingFaceJSON(
                classes: data.classes.names, vocabularyCount: data.vocabularyCount,
                endOfText: data.tokenizer.endOfText.map(Int.init))
            })
      }
      return PreparedTask(
        task: task, dataSummary: data.summary, unit: "texts", epochLength: data.train.count,
        batchSummary: data.batchSummary(plan, context: model.context), data: record,
        samples: plan.samples.every == 0
          ? nil
          : ClassifiedSamples(
            task: task, tokenizer: data.tokenizer, classes: data.classes.names,
            count: plan.samples.count),
        openClient: data.clients(of: network, plan: plan, loss: loss, context: model.context),
        notices: communicator.isRankZero ? data.notices(context: model.context) : [])
    case .prediction(let source, let architecture):
      let data = try SampleData(
        source, named: named.samples, plan: plan, communicator: communicator, resuming: samples)
      let shape = Shape(data.description.sampleShape)
      let network = try communicator.agree {
        try architecture.model(sampleShape: shape, outputs: data.description.outputCount)
      }
      try adapt(network, toSequencesOf: shape)
      let task = try communicator.agree {
        try data.task(
          of: network, plan: plan, loss: loss, files: files + Self.files(of: data.record))
      }
      return PreparedTask(
        task: task, dataSummary: data.summary, unit: "samples", epochLength: data.train.count,
        data: data.record,
        samples: plan.samples.every == 0
          ? nil
          : PredictedSamples(
            task: task, description: data.description, count: plan.samples.count),
        openClient: data.clients(of: network, plan: plan, loss: loss),
        notices: data.notices)
    }
  }

  /// `data.json`, on the rank that knows what is in the files.
  private static func files(
    of record: DataRecord?
  ) throws -> [(name: String, bytes: [UInt8])] {
    try record.map { [(DataRecord.fileName, try $0.json())] } ?? []
  }

  /// What other programs know the model by: `config.json`, where they have such a model; of an adapter
  /// `adapter_config.json`.
  private func interchangeFiles(
    for text: TextFiles, of network: any Module
  ) throws -> [(name: String, bytes: [UInt8])] {
    try descriptionFiles(of: network) {
      try model.huggingFaceJSON(
        vocabularyCount: text.vocabularyCount, endOfText: text.tokenizer?.endOfText.map(Int.init))
    }
  }

  /// - Parameter whole: `config.json` of the model without an adapter; nil: there is none.
  private func descriptionFiles(
    of network: any Module, whole: () throws -> [UInt8]?
  ) throws -> [(name: String, bytes: [UInt8])] {
    if let description = try peftJSON(of: network) {
      return [(PeftFormat.configurationName, description)]
    }
    return try whole().map { [("config.json", $0)] } ?? []
  }
}

extension TextFiles {
  /// What is in the files; nil on other ranks than zero.
  ///
  /// - Parameters:
  ///   - named: The section as the configuration has it.
  ///   - added: Names of the special tokens that the task adds.
  ///   - vectors: Where pretrained word vectors are; nil: there are none.
  ///   - vectorsNamed: As the configuration has them.
  fileprivate func record(
    named: TokenDataConfiguration?, added: [String], vectors: String?, vectorsNamed: String?
  ) throws -> DataRecord? {
    guard isRankZero, let named else { return nil }
    return try DataRecord(
      train: train.map(\.file), validation: validation, named: named, tokenizer: tokenizer,
      added: added, vectors: vectors, vectorsNamed: vectorsNamed)
  }
}
