import LockstepCommunication
import LockstepDatasets
import LockstepModels

/// What one client learns, opened by the rank that plays it.
struct ClientFiles {
  let task: any SampledTask
  /// What is in its files.
  let record: [DataRecord.File]

  /// Opens a client's files.
  ///
  /// - Parameters:
  ///   - data: The section with the client's paths.
  ///   - named: The same with the paths that the configuration has.
  /// - Throws: What is wrong with the files.
  typealias Opening = (_ data: DataConfiguration, _ named: DataConfiguration) throws -> ClientFiles
}

extension LanguageModelingData {
  /// Opens the files of clients who train the same model.
  func clients(
    of model: any LanguageModel, plan: Plan, labelSmoothing: Double
  ) -> ClientFiles.Opening {
    { [context, vocabularyCount] data, named in
      guard let tokens = data.tokens, let named = named.tokens else { throw OtherFormat() }
      let own = try LanguageModelingData(
        tokens, context: context, vocabularyCount: vocabularyCount,
        communicator: SoloCommunicator())
      return ClientFiles(
        task: try own.task(of: model, plan: plan, labelSmoothing: labelSmoothing),
        record: try DataRecord(
          train: own.text.train.map(\.file), validation: [], named: named, tokenizer: nil,
          added: [], vectors: nil, vectorsNamed: nil
        ).files)
    }
  }
}

extension ConversationData {
  /// Opens the files of clients who train the same model.
  func clients(
    of model: any LanguageModel, plan: Plan, labelSmoothing: Double
  ) -> ClientFiles.Opening {
    { [context, vocabularyCount] data, named in
      guard let conversations = data.conversations, let named = named.conversations else {
        throw OtherFormat()
      }
      let own = try ConversationData(
        conversations, context: context, vocabularyCount: vocabularyCount,
        communicator: SoloCommunicator())
      return ClientFiles(
        task: try own.task(of: model, plan: plan, labelSmoothing: labelSmoothing),
        record: try DataRecord(
          train: own.train, validation: nil, named: named, tokenizer: nil
        ).files)
    }
  }
}

extension TextClassificationData {
  /// Opens the files of clients who train the same model, and sort texts into the same classes.
  func clients(
    of classifier: any TextClassifier, plan: Plan, loss: LossConfiguration, context: Int
  ) -> ClientFiles.Opening {
    { [classes, tokenizer] data, named in
      guard let texts = data.texts, let named = named.texts else { throw OtherFormat() }
      let bytes = try GzipFile.contents(texts.train)
      let own = try ClassifiedTexts(
        bytes, path: texts.train, texts, classes: classes.labels, tokenizer: tokenizer,
        context: context)
      return ClientFiles(
        task: TextClassificationTask(
          of: classifier,
          objective: loss.objective(forClasses: classes.names.count, topK: plan.evaluate.topK),
          loader: ClassifiedTextLoader(
            own, batchSize: plan.batch.sequences, microbatches: plan.batch.microbatches,
            seed: UInt64(plan.seed)),
          heldOut: nil),
        record: DataRecord.File.list(
          "data.train", paths: [named.train], contents: [ContentDigest(of: bytes)]))
    }
  }
}

extension SampleData {
  /// Opens the files of clients who train the same model on the same columns and classes.
  func clients(
    of predictor: any Predictor, plan: Plan, loss: LossConfiguration
  ) -> ClientFiles.Opening {
    { [description] data, named in
      let paths = data.samplePaths.train
      let files = try paths.map { (bytes: try GzipFile.contents($0), path: $0) }
      let samples = try description.heldOut(files)
      return ClientFiles(
        task: try PredictionTask(
          of: predictor, objective: loss.objective(for: description, topK: plan.evaluate.topK),
          description: description,
          loader: SampleLoader(
            samples, description: description, batchSize: plan.batch.sequences,
            microbatches: plan.batch.microbatches, augmentation: data.augmentation,
            seed: UInt64(plan.seed)),
          heldOut: nil),
        record: zip(["data.train", "data.train_labels"], zip(named.samplePaths.train, files))
          .flatMap { key, file in
            DataRecord.File.list(
              key, paths: [file.0], contents: [ContentDigest(of: file.1.bytes)])
          })
    }
  }
}

extension DataConfiguration {
  fileprivate var augmentation: ImageAugmentation {
    if case .idx(let images) = format { images.augmentation } else { ImageAugmentation() }
  }
}

/// A section of data is not in the format that the clients' model was made for: a mistake in Lockstep.
private struct OtherFormat: Error {}
