import LockstepCommunication
import LockstepDatasets
import LockstepModels
import LockstepNeuralNetworks
import LockstepTensors

/// All samples that a run knows, under common numbers: those that it learns from, then those that it is evaluated
/// on, then what was made up.
///
/// So any model of the run's kind can be asked for its loss on any of them, and be trained on any of them, by the
/// task that the run itself has. Images and texts are as they are in the files: what augmentation does is left to
/// training.
package struct SamplePool {
  /// What the samples are, as the task's model takes them.
  package enum Content {
    /// Sequences of tokens: parts in the order of the numbers.
    case sequences([any SampledBatches], vocabularyCount: Int, any LanguageArchitecture)
    case samples(SampleSet, SampleDescription, any PredictorArchitecture)
    case texts(ClassifiedTexts, vocabularyCount: Int, any ClassifyingArchitecture)
  }

  package let configuration: RunConfiguration
  package internal(set) var content: Content
  /// What a sample is, in words: "image", "window of 129 tokens".
  package let unit: String
  /// The files learned from, for messages.
  package let path: String
  /// Samples that the run learns from: numbers 0 ..< members.
  package let memberCount: Int
  /// Samples that it is evaluated on, behind those.
  package let heldOutCount: Int
  /// Samples that were made up, behind those.
  package private(set) var inventedCount = 0
  /// Of texts: encodes further ones; nil where there is none.
  package let tokenizer: (any Tokenizer)?
  /// What the parameters of a model begin as.
  let beginning: Beginning
  /// Parts of texts that take the place of what is there, by the number of the sample.
  package private(set) var pieces: [Int: (position: Int, tokens: [Int32])] = [:]
  /// What changes images in training.
  let imageAugmentation: ImageAugmentation
  /// What changes sequences in training; nil: nothing.
  let augmenter: SequenceAugmenter?
  /// Of texts with classes; 0 of others.
  package let classCount: Int

  package var count: Int { memberCount + heldOutCount + inventedCount }
  package var members: Range<Int> { 0..<memberCount }
  package var heldOut: Range<Int> { memberCount..<memberCount + heldOutCount }

  /// The same with a sample more, behind the others.
  ///
  /// - Parameter content: All samples with the new one.
  package func inventing(_ content: Content) -> SamplePool {
    var pool = self
    (pool.content, pool.inventedCount) = (content, inventedCount + 1)
    return pool
  }

  /// The same with other tokens in the place of some: where they begin, by the number of the sample.
  package func replacing(_ pieces: [Int: (position: Int, tokens: [Int32])]) -> SamplePool {
    var pool = self
    pool.pieces.merge(pieces) { $1 }
    return pool
  }

  // MARK: Models and tasks

  /// A model as the run trains it, without parameters.
  package func network() throws -> any Module {
    let network: any Module =
      switch content {
      case .sequences(_, let count, let architecture): architecture.model(vocabularyCount: count)
      case .samples(_, let description, let architecture):
        try architecture.model(
          sampleShape: Shape(description.sampleShape), outputs: description.outputCount)
      case .texts(_, let count, let architecture):
        architecture.classifier(vocabularyCount: count, classCount: classCount)
      }
    try configuration.locatingFiles().recipe.adapt(network)
    return network
  }

  /// The run's task on all samples.
  ///
  /// - Parameters:
  ///   - network: A model as `network()` makes them.
  ///   - isMeasuring: Whether samples and labels are as they are, and not as training changes them.
  package func task(of network: any Module, isMeasuring: Bool) throws -> any SampledTask {
    let (plan, loss) = (configuration.plan, configuration.loss)
    let objective = isMeasuring ? loss.withoutSmoothing : loss
    switch content {
    case .sequences(let parts, _, _):
      guard let model = network as? any LanguageModel else { preconditionFailure("no text model") }
      return LanguageModelingTask(
        model: model, loader: JoinedBatches(parts, pieces: pieces),
        augmenter: isMeasuring ? nil : augmenter,
        labelSmoothing: objective.kind.labelSmoothing,
        wordVectors: try isMeasuring ? nil : wordVectors(of: model))
    case .samples(let samples, let description, _):
      guard let model = network as? any Predictor else { preconditionFailure("no predictor") }
      return try PredictionTask(
        of: model, objective: objective.objective(for: description, topK: 1),
        description: description,
        loader: SampleLoader(
          samples, description: description, batchSize: plan.batch.sequences,
          microbatches: plan.batch.microbatches,
          augmentation: isMeasuring ? ImageAugmentation() : imageAugmentation,
          seed: UInt64(plan.seed)), heldOut: nil)
    case .texts(let texts, _, _):
      guard let model = network as? any TextClassifier else { preconditionFailure("no classifier") }
      return TextClassificationTask(
        of: model, objective: objective.objective(forClasses: classCount, topK: 1),
        loader: ClassifiedTextLoader(texts, batchSize: plan.batch.sequences), heldOut: nil)
    }
  }

  private func wordVectors(of model: any LanguageModel) throws -> WordVectors? {
    let recipe = configuration.locatingFiles().recipe
    guard let path = recipe.wordVectors.path, let tokenizer else { return nil }
    return try WordVectors(
      path: path, vocabulary: tokenizer.vocabulary, width: model.embeddingWeight.shape[1])
  }
}

extension LossConfiguration {
  /// The same with the labels as they are.
  fileprivate var withoutSmoothing: LossConfiguration {
    switch kind {
    case .crossEntropy: LossConfiguration(.crossEntropy(CrossEntropyConfiguration()))
    case .divergence: LossConfiguration(.divergence(CrossEntropyConfiguration()))
    case .standard, .binaryCrossEntropy, .squaredError, .huber, .preference, .distillation: self
    }
  }
}
