import LockstepCommunication
import LockstepDatasets
import LockstepModels
import LockstepNeuralNetworks

extension TaskPreparation {
  /// Prepares the task of preferring the better one of two answers. Collective.
  func preferences(
    _ preferences: PreferenceDataConfiguration, _ loss: PreferenceConfiguration,
    _ architecture: any LanguageArchitecture
  ) throws -> PreparedTask {
    let data = try PreferenceData(
      preferences, context: context, vocabularyCount: recipe.model.vocabulary,
      communicator: communicator)
    let text = data.files.text
    var record = try communicator.agree {
      try communicator.isRankZero
        ? DataRecord(
          train: data.files.train, validation: data.files.validation,
          named: (named.preferences ?? preferences).conversations, tokenizer: text.tokenizer)
        : nil
    }
    record?.files += beginning.record
    try requireTokenizer(text.tokenizer, path: preferences.tokenizer)
    let network = architecture.model(vocabularyCount: data.files.vocabularyCount)
    let frozen = try communicator.agree {
      try recipe.frozenReference(
        architecture.model(vocabularyCount: data.files.vocabularyCount), beginning.weights)
    }
    try adapt(network, toSequencesOf: [context], beside: frozen?.model)
    let (task, batchSummary) = try communicator.agree {
      (
        try data.task(
          PreferenceObjective(
            model: network,
            reference: frozen.map { .frozen($0) }
              ?? .withoutAdapters(AdaptedLayers(of: network)),
            configuration: loss), plan: plan,
          files: checkpointFiles(record) + interchangeFiles(for: text, of: network)),
        try data.batchSummary(plan)
      )
    }
    return PreparedTask(
      task: task, dataSummary: data.summary, unit: "preferences", epochLength: nil,
      batchSummary: batchSummary, data: record)
  }
}
