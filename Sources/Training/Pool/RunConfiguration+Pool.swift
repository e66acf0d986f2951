import LockstepCommunication
import LockstepDatasets
import LockstepModels
import LockstepParallelism
import LockstepSettings
import LockstepTensors

extension RunConfiguration {
  /// Opens the data as a run of one rank does, all samples under common numbers.
  ///
  /// - Parameters:
  ///   - samples: Of a model that is there already, what it learned from: its means and deviations are kept.
  ///     Default: they are computed.
  ///   - threads: Read the weights that the run begins with.
  /// - Throws: `SamplePoolError` where samples are not told apart; what is wrong with the data.
  package func samplePool(
    learned samples: SampleDescription? = nil, threads: ThreadPool
  ) throws -> SamplePool {
    guard !plan.federated.isOn else { throw SamplePoolError.clients }
    let communicator = SoloCommunicator()
    let located = locatingFiles()
    let beginning = try beginning(threads: threads, communicator)
    let (model, plan) = (located.model, located.plan)
    switch try located.recipe.parts() {
    case .languageModeling(let tokens, let architecture):
      let data = try LanguageModelingData(
        tokens, context: model.context, vocabularyCount: model.vocabulary,
        communicator: communicator)
      let loaders = try (data.text.train.map(\.file) + data.text.validation).map {
        try LanguageModelingLoader(
          file: $0, sequences: plan.batch.sequences, context: model.context,
          microbatches: plan.batch.microbatches, seed: UInt64(plan.seed),
          separator: data.text.separator)
      }
      return SamplePool(
        self, .sequences(loaders, vocabularyCount: data.vocabularyCount, architecture),
        counts: loaders.map(\.sampleCount), memberParts: data.text.train.count,
        unit: "window of \(model.context + 1) tokens", path: tokens.train.elements[0].path,
        tokenizer: data.text.tokenizer, beginning: beginning,
        augmenter: data.augmenter(seed: plan.seed))
    case .chat(let conversations, let architecture):
      let data = try ConversationData(
        conversations, context: model.context, vocabularyCount: model.vocabulary,
        communicator: communicator)
      let loaders = try ([data.train] + [data.validation].compactMap(\.self)).map {
        try ConversationLoader(
          $0, sequences: plan.batch.sequences, context: model.context,
          learned: conversations.lossOn, microbatches: plan.batch.microbatches,
          seed: UInt64(plan.seed))
      }
      return SamplePool(
        self, .sequences(loaders, vocabularyCount: data.vocabularyCount, architecture),
        counts: loaders.map(\.sampleCount), memberParts: 1, unit: "conversation",
        path: conversations.train, tokenizer: data.text.tokenizer, beginning: beginning)
    case .textClassification(let texts, let architecture):
      let data = try TextClassificationData(
        texts, context: model.context, vocabularyCount: model.vocabulary,
        communicator: communicator)
      let all = data.validation.map(data.train.appending) ?? data.train
      return SamplePool(
        self, .texts(all, vocabularyCount: data.vocabularyCount, architecture),
        counts: [data.train.count, data.validation?.count ?? 0], memberParts: 1, unit: "text",
        path: texts.train, tokenizer: data.tokenizer, beginning: beginning,
        classCount: data.classes.names.count)
    case .prediction(let source, let architecture):
      let data = try SampleData(
        source, plan: plan, communicator: communicator, resuming: samples)
      let all = data.validation.map(data.train.appending) ?? data.train
      return SamplePool(
        self, .samples(all, data.description, architecture),
        counts: [data.train.count, data.validation?.count ?? 0], memberParts: 1,
        unit: data.description.columns == nil ? "image" : "row of the table",
        path: data.train.path, beginning: beginning, augmentation: source.augmentation)
    case .preferences, .maskedLanguageModeling, .translation:
      throw SamplePoolError.task(recipe.task.rawValue, format: recipe.data.format.variantName)
    }
  }
}

extension SamplePool {
  fileprivate init(
    _ configuration: RunConfiguration, _ content: Content, counts: [Int], memberParts: Int,
    unit: String, path: String, tokenizer: (any Tokenizer)? = nil, beginning: Beginning,
    augmentation: ImageAugmentation = ImageAugmentation(), augmenter: SequenceAugmenter? = nil,
    classCount: Int = 0
  ) {
    self.init(
      configuration: configuration, content: content, unit: unit, path: path,
      memberCount: counts.prefix(memberParts).reduce(0, +),
      heldOutCount: counts.dropFirst(memberParts).reduce(0, +), tokenizer: tokenizer,
      beginning: beginning, imageAugmentation: augmentation, augmenter: augmenter,
      classCount: classCount)
  }
}

/// Samples that can not be looked for.
public enum SamplePoolError: UserInputError, Equatable {
  /// A task whose samples are not told apart.
  case task(String, format: String)
  /// They are those of clients.
  case clients

  public var description: String {
    switch self {
    case .task(let task, let format):
      "task \(task) with data.format \(format) can not tell its samples apart, and none of them can be looked for: an "
        + "audit takes language modeling, conversations, classification and regression"
    case .clients:
      "federated.clients is above 0, and no audit trains as clients do: an audit of the same configuration without "
        + "the federated section looks at the mechanism for single samples"
    }
  }
}
