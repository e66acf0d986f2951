import LockstepCommunication
import LockstepDatasets
import LockstepModels

extension TaskPreparation {
  /// Prepares the task of sorting texts into classes. Collective.
  func textClassification(
    _ texts: TextDataConfiguration, _ architecture: any ClassifyingArchitecture
  ) throws -> PreparedTask {
    let data = try TextClassificationData(
      texts, named: named.texts, context: context, vocabularyCount: recipe.model.vocabulary,
      communicator: communicator)
    var record = data.record
    record?.files += beginning.record
    try requireTokenizer(data.tokenizer, path: texts.tokenizer)
    let network = architecture.classifier(
      vocabularyCount: data.vocabularyCount, classCount: data.classes.names.count)
    try adapt(network, toSequencesOf: [context])
    let task = try communicator.agree {
      try data.task(
        of: network, plan: plan, loss: recipe.loss,
        files: checkpointFiles(record)
          + descriptionFiles(of: network) {
            try architecture.huggingFaceJSON(
              classes: data.classes.names, asksOfEachClass: recipe.asksOfEachClass,
              vocabularyCount: data.vocabularyCount,
              endOfText: data.tokenizer.endOfText.map(Int.init))
          })
    }
    return PreparedTask(
      task: task, dataSummary: data.summary, unit: "texts", epochLength: data.train.count,
      batchSummary: data.batchSummary(plan, context: context), data: record,
      samples: plan.samples.every == 0
        ? nil
        : ClassifiedSamples(
          task: task, tokenizer: data.tokenizer, classes: data.classes.names,
          count: plan.samples.count),
      openClient: data.clients(of: network, plan: plan, loss: recipe.loss, context: context),
      notices: communicator.isRankZero ? data.notices(context: context) : [])
  }
}
