// F features, P parameters.

import Foundation
import LockstepNeuralNetworks
import LockstepTensors
import LockstepTraining
import TestSupport

/// Least squares on a fixed list of random examples that can be asked for one by one. Their features are of very
/// different sizes, so that some gradients are clipped and others are not.
///
/// All that is trained are linear layers, or there is a norm, too: a private run computes gradients in batches, or one
/// by one.
final class SampledRegression: SampledTask {
  struct Network: Module {
    let norm: LayerNorm?
    var dropout: Float = 0
    let deep = DeepNetwork()

    /// - Parameter x: [B, 96].
    /// - Returns: [B, 3].
    func callAsFunction(_ x: Tensor) -> Tensor {
      let x = x.dropout(dropout)
      return deep(norm.map { $0(x) } ?? x)
    }
  }

  let network: Network
  let sampleCount: Int
  let sampleUnit = "example"
  /// Of each sample, in turns; nil: one.
  private let targetCounts: [Int]?
  var hasOneTargetEach: Bool { targetCounts == nil }
  private let features: [[Float]]
  private let targets: [[Float]]

  /// - Parameters:
  ///   - targetCounts: Targets of each sample, in turns. Default: one of each.
  ///   - spoiled: Samples whose loss is no number. Default: none.
  ///   - scale: What all features are multiplied by. Default: 1.
  ///   - dropout: Of features. Default: 0.
  init(
    sampleCount: Int, hasNorm: Bool = false, targetCounts: [Int]? = nil,
    spoiling spoiled: [Int] = [], scale: Float = 1, dropout: Float = 0
  ) {
    self.targetCounts = targetCounts
    network = Network(norm: hasNorm ? LayerNorm(width: 96) : nil, dropout: dropout)
    self.sampleCount = sampleCount
    var generator = SeededGenerator(seed: 5)
    features = (0..<sampleCount).map { sample in
      let size = Float(1 + sample % 7) * 0.2 * scale
      return generator.normals(96).map { $0 * size }
    }
    targets = (0..<sampleCount).map { sample in
      let normals = generator.normals(3)
      return spoiled.contains(sample) ? normals.map { $0 * .nan } : normals
    }
  }

  var model: any Module { network }

  func loss(step: Int, microbatch: Int, in workspace: Workspace) -> BatchLoss {
    loss(ofSamples: [(step + microbatch) % sampleCount], step: step, in: workspace)
  }

  func loss(
    ofSamples samples: ArraySlice<Int>, step: Int, in workspace: Workspace
  ) -> BatchLoss {
    let inputs = Tensor(
      samples.flatMap { features[$0] }, shape: [samples.count, 96], in: workspace)
    let wanted = Tensor(samples.flatMap { targets[$0] }, shape: [samples.count, 3], in: workspace)
    let difference = network(inputs) - wanted  // [B, 3]
    let errors = difference * difference
    guard let targetCounts else {
      return BatchLoss(sum: errors.sum(), targetCount: samples.count)
    }
    let counts = samples.map { targetCounts[$0 % targetCounts.count] }
    let factors = Tensor(
      counts.flatMap { [Float](repeating: Float($0), count: 3) }, shape: [samples.count, 3],
      in: workspace)
    return BatchLoss(sum: (errors * factors).sum(), targetCount: counts.reduce(0, +))
  }

  let evaluationBatchCount = 1

  func evaluationLoss(batch: Int, in workspace: Workspace) -> BatchLoss {
    loss(ofSamples: [0, 1, 2], step: 0, in: workspace)
  }
}
