import LockstepCommunication
import LockstepDatasets
import LockstepModels

extension TaskPreparation {
  /// Prepares the task of giving the answers of conversations. Collective.
  func chat(
    _ conversations: ConversationDataConfiguration, _ architecture: any LanguageArchitecture
  ) throws -> PreparedTask {
    let data = try ConversationData(
      conversations, context: context, vocabularyCount: recipe.model.vocabulary,
      communicator: communicator)
    var record = try communicator.agree {
      try communicator.isRankZero
        ? DataRecord(
          train: data.train, validation: data.validation,
          named: named.conversations ?? conversations, tokenizer: data.text.tokenizer) : nil
    }
    let teacher = try openTeacher(of: data.text)
    record?.files += beginning.record + (teacher?.record ?? [])
    try requireTokenizer(data.text.tokenizer, path: conversations.tokenizer)
    let network = architecture.model(vocabularyCount: data.vocabularyCount)
    try adapt(network, toSequencesOf: [context], beside: teacher?.frozen.model)
    let (task, batchSummary) = try communicator.agree {
      (
        try data.task(
          of: network, plan: plan, labelSmoothing: labelSmoothing,
          files: checkpointFiles(record) + interchangeFiles(for: data.text, of: network)),
        try data.batchSummary(plan)
      )
    }
    task.distillation = distillation(teacher)
    return PreparedTask(
      task: task, dataSummary: data.summary, unit: "tokens", epochLength: nil,
      batchSummary: batchSummary, data: record,
      samples: data.samples(of: network, plan),
      openClient: data.clients(of: network, plan: plan, labelSmoothing: labelSmoothing),
      notices: teacher?.notices ?? [])
  }
}
