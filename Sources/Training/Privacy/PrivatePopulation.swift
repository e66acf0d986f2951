import LockstepFederation
import LockstepPrivacy

/// Of whom privacy is promised for each: the samples of a task, or the clients of a federated training.
struct PrivatePopulation {
  /// n.
  let count: Int
  /// How many are in a step, on the average.
  let drawn: Int
  /// One of them, in words: "image", "client".
  let unit: String

  /// - Throws: `PrivacyError.noSamples`.
  init(of task: any TrainingTask, plan: Plan) throws(PrivacyError) {
    if plan.federated.isOn {
      (count, drawn) = (plan.federated.clients, plan.federated.roundSize)
      unit = "client"
      return
    }
    guard let task = task as? any SampledTask else {
      throw PrivacyError.noSamples(task: "\(type(of: task))")
    }
    (count, drawn) = (task.sampleCount, plan.batch.sequences * plan.batch.microbatches)
    unit = task.sampleUnit
  }
}
