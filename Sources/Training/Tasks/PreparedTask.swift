import LockstepCommunication
import LockstepDatasets

/// The task that a configuration names, its data opened on every rank.
///
/// A further task gets a case in `TaskName` and in `Recipe.Parts`, and an extension of `TaskPreparation`;
/// everything else asks the protocol.
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
  /// What the user should know of the data and of `loss.teacher`, one sentence each; on rank zero only.
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
    let preparation = TaskPreparation(
      recipe: common, named: named, vectorsNamed: recipe.wordVectors.path,
      teacherNamed: recipe.loss.kind.distillation?.teacher, plan: plan,
      files: [("config.yaml", Array(yaml().utf8))], beginning: beginning, resumedSamples: samples,
      memory: memory, communicator: communicator)
    return try dealt(
      preparation.prepare(parts), located: located.data, resumes: resumes,
      communicator: communicator)
  }
}
