import LockstepCommunication
import LockstepDatasets
import LockstepModels

extension TaskPreparation {
  /// Prepares the task of translating the sources of pairs. Collective.
  func translation(
    _ pairs: PairDataConfiguration, _ architecture: any SequenceToSequenceArchitecture
  ) throws -> PreparedTask {
    let data = try TranslationData(
      pairs, vocabularyCount: recipe.model.vocabulary, communicator: communicator)
    let record = try communicator.agree {
      try communicator.isRankZero
        ? DataRecord(
          train: data.train, validation: data.validation, named: named.pairs ?? pairs,
          tokenizer: data.tokenizer) : nil
    }
    let network = architecture.model(vocabularyCount: data.vocabularyCount)
    try adapt(network, toSequencesOf: [data.train.meanLength(fitting: context)])
    let task = try communicator.agree {
      try data.task(
        of: network, plan: plan, labelSmoothing: labelSmoothing,
        files: checkpointFiles(record))
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
  }
}
