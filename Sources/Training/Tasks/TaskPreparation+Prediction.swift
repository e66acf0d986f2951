import LockstepCommunication
import LockstepDatasets
import LockstepModels
import LockstepTensors

extension TaskPreparation {
  /// Prepares the task of sorting samples into classes, or of giving each a value. Collective.
  func prediction(
    _ source: SampleSource, _ architecture: any PredictorArchitecture
  ) throws -> PreparedTask {
    let data = try SampleData(
      source, named: named.samples, plan: plan, communicator: communicator,
      resuming: resumedSamples)
    let shape = Shape(data.description.sampleShape)
    let network = try communicator.agree {
      try architecture.model(sampleShape: shape, outputs: data.description.outputCount)
    }
    try adapt(network, toSequencesOf: shape)
    let task = try communicator.agree {
      try data.task(
        of: network, plan: plan, loss: recipe.loss, files: checkpointFiles(data.record))
    }
    return PreparedTask(
      task: task, dataSummary: data.summary, unit: "samples", epochLength: data.train.count,
      data: data.record,
      samples: plan.samples.every == 0
        ? nil
        : PredictedSamples(
          task: task, description: data.description, count: plan.samples.count),
      openClient: data.clients(of: network, plan: plan, loss: recipe.loss),
      notices: data.notices)
  }
}
