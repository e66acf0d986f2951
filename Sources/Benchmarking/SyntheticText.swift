// B sequences, T positions, V vocabulary.

import LockstepDatasets
import LockstepModels
import LockstepNeuralNetworks
import LockstepTensors
import LockstepTraining

/// Predicting tokens that mean nothing: as much work as any text, and no file.
final class SyntheticText: TrainingTask {
  private let languageModel: any LanguageModel
  private let vocabularyCount: Int
  private var batch: TokenBatch

  init(_ benchmark: BenchmarkCase) {
    languageModel = benchmark.model
    vocabularyCount = benchmark.vocabularyCount
    batch = TokenBatch(
      sequenceCount: benchmark.plan.batch.sequences, positionCount: benchmark.context)
  }

  var model: any Module { languageModel }

  func loss(step: Int, microbatch: Int, in workspace: Workspace) -> BatchLoss {
    // The multiplier of Knuth's MMIX; the upper bits are random enough for tokens.
    var state = UInt64(step) << 20 + UInt64(microbatch)
    func token() -> Int32 {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Int32(state >> 33) % Int32(vocabularyCount)
    }
    for index in batch.inputs.indices {
      batch.inputs[index] = token()
      batch.targets[index] = token()
    }
    let shape: Shape = [batch.sequenceCount, batch.positionCount]
    return BatchLoss(
      sum: languageModel.loss(
        of: Indices(batch.inputs, shape: shape), targets: Indices(batch.targets, shape: shape)),
      targetCount: batch.inputs.count)
  }

  /// The products of a forward pass, counted by one with parameters that are all zero.
  func forwardProducts(threads: Int) -> ForwardProducts {
    let workspace = Workspace(threadCount: threads)
    let parameters = ParameterStore(of: model)
    parameters.bind(to: FloatMemory(count: parameters.flatCount), in: workspace)
    return workspace.products.listing {
      workspace.withoutRecording { loss(step: 0, microbatch: 0, in: workspace) }
    }.products
  }
}
