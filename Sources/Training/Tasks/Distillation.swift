import LockstepDatasets
import LockstepModels
import LockstepTensors

/// A teacher, and how a model learns from it (Hinton et al., "Distilling the Knowledge in a Neural Network",
/// 2015); see `Tensor.linearDistillation`.
struct Distillation {
  let teacher: FrozenModel
  /// T.
  let temperature: Float
  /// w, the share of the loss that the teacher has.
  let share: Float

  init(_ teacher: FrozenModel, _ configuration: DistillationConfiguration) {
    self.teacher = teacher
    temperature = Float(configuration.temperature)
    share = Float(configuration.weight)
  }

  /// The summed loss of a batch that a model learns from.
  func loss(of batch: TokenBatch, for model: any LanguageModel, in workspace: Workspace)
    -> BatchLoss
  {
    let shape: Shape = [batch.sequenceCount, batch.positionCount]
    let inputs = Indices(batch.inputs, shape: shape)
    let documents =
      batch.documentStarts.isEmpty
      ? nil : PackedDocuments(starts: Indices(batch.documentStarts, shape: shape))
    let known = FrozenModel.asking(in: workspace) {
      teacher.model.states(of: inputs, documents: documents, cache: nil)
    }
    let states = model.states(of: inputs, documents: documents, cache: nil)
    return BatchLoss(
      sum: states.linearDistillation(
        weight: model.headWeight.tensor, targets: Indices(batch.targets, shape: shape),
        teacher: known, teacherWeight: teacher.model.headWeight.tensor, temperature: temperature,
        share: share),
      targetCount: batch.targetCount)
  }
}
