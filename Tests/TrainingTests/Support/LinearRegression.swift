// B examples, T positions.

import Foundation
import LockstepNeuralNetworks
import LockstepTensors
import LockstepTraining
import TestSupport

/// A user's own model: y = W x + b of three inputs.
struct Plane: Module {
  let linear = Linear(inputs: 3, outputs: 1)

  /// - Parameter x: [B, 3].
  /// - Returns: [B, 1].
  func callAsFunction(_ x: Tensor) -> Tensor { linear(x) }
}

/// A user's own task: finds the plane y = 2 x₀ - 3 x₁ + x₂ + ½ from examples, by least squares.
final class LinearRegression: TrainingTask {
  let plane = Plane()
  /// Changes the loss of a micro-batch.
  typealias Spoiler = @Sendable (_ loss: Tensor, _ step: Int, _ microbatch: Int) -> Tensor
  private let spoiler: Spoiler

  /// - Parameter spoiler: Is given steps from 0. Default: changes nothing.
  init(spoiler: @escaping Spoiler = { loss, _, _ in loss }) {
    self.spoiler = spoiler
  }

  var model: any Module { plane }

  func loss(step: Int, microbatch: Int, in workspace: Workspace) -> BatchLoss {
    let count = 3 + microbatch
    let loss = squaredError(seed: UInt64(1000 * step + microbatch), count: count, in: workspace)
    return BatchLoss(sum: spoiler(loss, step, microbatch), targetCount: count)
  }

  let evaluationBatchCount = 5

  func evaluationLoss(batch: Int, in workspace: Workspace) -> BatchLoss {
    BatchLoss(
      sum: squaredError(seed: UInt64(1_000_000 + batch), count: 7, in: workspace), targetCount: 7)
  }

  /// The summed squared error of random examples.
  private func squaredError(seed: UInt64, count: Int, in workspace: Workspace) -> Tensor {
    var generator = SeededGenerator(seed: seed)
    let inputs = generator.normals(3 * count)
    let slopes: [Float] = [2, -3, 1]
    let targets = (0..<count).map { example in
      slopes.indices.reduce(Float(0.5)) { $0 + slopes[$1] * inputs[3 * example + $1] }
    }
    let difference =
      plane(Tensor(inputs, shape: [count, 3], in: workspace))
      - Tensor(targets, shape: [count, 1], in: workspace)  // [B, 1]
    return (difference * difference).sum()
  }
}

extension Plan {
  /// A short run with a constant learning rate.
  static func regression(steps: Int = 40, microbatches: Int = 5) -> Plan {
    var plan = Plan()
    plan.steps = steps
    plan.batch.microbatches = microbatches
    plan.optimizer.learningRate = 0.1
    plan.schedule.shape = .constant
    plan.evaluate.every = 15
    plan.checkpoint.every = 10
    return plan
  }
}
