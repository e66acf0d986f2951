import LockstepCommunication
import LockstepSettings

/// The task that a configuration names, its data opened on every rank.
///
/// A further task gets a case in `TaskName` and one here; everything else asks the protocol.
package struct PreparedTask {
  package let task: any TrainingTask
  /// One line about the data, for the console.
  let dataSummary: String
  /// What the targets are, which are counted: "tokens" or "samples".
  let unit: String
  /// Samples in an epoch; nil where that is not what the data are divided into.
  let epochLength: Int?
  /// One line about a step's batch; nil where it has as many targets as `batch` and `model.context` say.
  var batchSummary: String?
  /// One line about pretrained vectors; nil: there are none, or this is not rank zero.
  var wordVectorSummary: String?
}

extension RunConfiguration {
  /// Opens the data and makes the task. Collective.
  ///
  /// - Throws: `AgreedError` with what is wrong with the configuration or the data.
  package func prepareTask(_ communicator: any Communicator) throws -> PreparedTask {
    try communicator.agree { try validate(ranks: communicator.size) }
    switch task {
    case .languageModeling:
      let data = try LanguageModelingData(self, communicator: communicator)
      let task = try communicator.agree { try data.task(for: self) }
      return PreparedTask(
        task: task, dataSummary: data.summary, unit: "tokens", epochLength: nil,
        wordVectorSummary: task.wordVectors.map {
          $0.summary + (wordVectors.trained ? "" : ", not trained")
        })
    case .maskedLanguageModeling:
      let data = try LanguageModelingData(self, communicator: communicator)
      return PreparedTask(
        task: try communicator.agree { try data.maskedTask(for: self) }, dataSummary: data.summary,
        unit: "tokens", epochLength: nil)
    case .translation:
      let data = try TranslationData(self, communicator: communicator)
      let task = try communicator.agree { try data.task(for: self) }
      return PreparedTask(
        task: task, dataSummary: data.summary, unit: "tokens", epochLength: nil,
        batchSummary: task.batchSummary(steps: steps))
    case .classification, .regression:
      let data = try SampleData(self, communicator: communicator)
      return PreparedTask(
        task: try communicator.agree { try data.task(for: self) }, dataSummary: data.summary,
        unit: "samples", epochLength: data.train.count)
    }
  }
}
