import LockstepCommunication
import LockstepDatasets
import LockstepModels

extension TaskPreparation {
  /// Prepares the task of predicting the tokens of token files. Collective.
  func languageModeling(
    _ tokens: TokenDataConfiguration, _ architecture: any LanguageArchitecture
  ) throws -> PreparedTask {
    // A checkpoint holds what the vectors have become.
    var wordVectors = recipe.wordVectors
    if beginning.isOfCheckpoint { wordVectors.path = nil }
    let data = try LanguageModelingData(
      tokens, context: context, vocabularyCount: recipe.model.vocabulary,
      communicator: communicator)
    var record = try communicator.agree {
      try data.text.record(
        named: named.tokens, added: tokens.augmentation.sentinelNames(positions: context),
        vectors: wordVectors.path, vectorsNamed: vectorsNamed)
    }
    let teacher = try openTeacher(of: data.text)
    record?.files += beginning.record + (teacher?.record ?? [])
    try requireTokenizer(data.text.tokenizer, path: tokens.tokenizer)
    let network = architecture.model(vocabularyCount: data.vocabularyCount)
    try adapt(network, toSequencesOf: [context], beside: teacher?.frozen.model)
    let task = try communicator.agree {
      try data.task(
        of: network, plan: plan, labelSmoothing: labelSmoothing, wordVectors: wordVectors,
        files: checkpointFiles(record) + interchangeFiles(for: data.text, of: network))
    }
    task.distillation = distillation(teacher)
    return PreparedTask(
      task: task, dataSummary: data.text.summary, unit: "tokens", epochLength: nil,
      data: record,
      wordVectorSummary: task.wordVectors.map {
        $0.summary + (wordVectors.trained ? "" : ", not trained")
      },
      samples: try promptSamples(of: network, data.text),
      openClient: data.clients(of: network, plan: plan, labelSmoothing: labelSmoothing),
      notices: teacher?.notices ?? [])
  }

  /// What goes on from the prompts of `samples`; nil where that is not asked for. Collective.
  private func promptSamples(
    of model: any LanguageModel, _ text: TextFiles
  ) throws -> (any SampleMaker)? {
    guard plan.samples.every > 0 else { return nil }
    return try communicator.agree {
      try PromptSamples(
        of: model, tokenizer: text.tokenizer, ends: text.ends, plan.samples,
        seed: UInt64(plan.seed))
    }
  }
}
