// P parameters that are trained.

import LockstepNeuralNetworks
import LockstepTensors
import LockstepTraining

/// Measures how far a training went against the gradient that one sample has at its beginning.
struct GradientProbe {
  /// ‖g‖, of the sample's mean loss.
  let norm: Double
  /// g / ‖g‖, [P].
  private let direction: [Double]
  /// [P].
  private let begin: [Float]

  /// - Returns: Nil where the gradient is none, or not finite.
  init?(
    of sample: Int, task: any SampledTask, replica: Replica, in workspace: Workspace
  ) throws {
    let gradient = FloatMemory(count: replica.parameters.trainedCount)
    workspace.isTraining = false
    replica.parameters.beginGradient(into: gradient)
    let loss = try task.loss(ofSamples: [sample], step: 0, in: workspace)
    loss.sum.backward()
    replica.parameters.finishGradient()
    let values = gradient.elements.map { Double($0) / Double(max(1, loss.targetCount)) }
    let norm = values.reduce(0) { $0 + $1 * $1 }.squareRoot()
    guard norm.isFinite, norm > 0 else { return nil }
    self.norm = norm
    direction = values.map { $0 / norm }
    begin = Array(replica.shared.trained)
  }

  /// The way that the parameters have gone, along minus the gradient.
  func descent(to replica: Replica) -> Double {
    zip(direction, zip(begin, replica.shared.trained)).reduce(0) { sum, element in
      sum + element.0 * (Double(element.1.0) - Double(element.1.1))
    }
  }
}

extension SampledTask {
  /// The mean loss of one sample over its targets.
  func meanLoss(of sample: Int, in workspace: Workspace) throws -> Double {
    try workspace.withoutRecording {
      let loss = try self.loss(ofSamples: [sample], step: 0, in: workspace)
      return Double(loss.sum.item) / Double(max(1, loss.targetCount))
    }
  }
}
