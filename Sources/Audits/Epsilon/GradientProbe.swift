// P parameters that are trained.

import LockstepNeuralNetworks
import LockstepTensors
import LockstepTraining

/// Measures how far a training went against the gradient that one sample has at its beginning, and in a direction that
/// has nothing to do with the data.
struct GradientProbe {
  /// ‖g‖, of the sample's mean loss.
  let norm: Double
  /// g / ‖g‖, [P].
  private let direction: [Float]
  /// 1 / √P with random signs, [P], and 0 where padding is, which does not count in √P: the data hardly reach there, and
  /// noise does as anywhere.
  private let aside: [Float]
  /// [P].
  private let begin: [Float]

  /// - Parameters:
  ///   - sample: Whose gradient it is.
  ///   - draws: Decide the other direction.
  /// - Returns: Nil where the gradient is none, or not finite.
  init?(
    of sample: Int, task: any SampledTask, replica: Replica, _ draws: AuditDraws,
    in workspace: Workspace
  ) throws {
    let gradient = try task.gradient(of: sample, replica, in: workspace)
    let norm = gradient.reduce(0) { $0 + Double($1) * Double($1) }.squareRoot()
    guard norm.isFinite, norm > 0 else { return nil }
    self.norm = norm
    direction = gradient.map { Float(Double($0) / norm) }
    begin = Array(replica.shared.trained)
    let size = 1 / Float(replica.parameters.trainedParameterCount).squareRoot()
    var aside = [Float](repeating: 0, count: begin.count)
    for place in replica.parameters.entries.lazy.filter(\.isTrained).flatMap(\.range) {
      let isUp = draws.word(.direction, at: place / 64) >> (place % 64) & 1 == 1
      aside[place] = isUp ? size : -size
    }
    self.aside = aside
  }

  /// Those samples whose clipped gradients have least to do with the one that is looked for, so that whether they are
  /// drawn hides it least.
  ///
  /// - Parameters:
  ///   - count: How many.
  ///   - candidates: To choose from.
  ///   - clip: The longest that a gradient may be.
  func quietest(
    _ count: Int, of candidates: [Int], clip: Double, task: any SampledTask, replica: Replica,
    in workspace: Workspace
  ) throws -> [Int] {
    let found = try candidates.map { sample in
      let gradient = try task.gradient(of: sample, replica, in: workspace)
      var (squares, product) = (0.0, 0.0)
      for place in direction.indices {
        let element = Double(gradient[place])
        squares += element * element
        product += element * Double(direction[place])
      }
      let factor = squares > 0 ? min(1, clip / squares.squareRoot()) : 0
      return (sample: sample, share: abs(product) * factor)
    }
    return found.sorted { ($0.share, $0.sample) < ($1.share, $1.sample) }.prefix(count)
      .map(\.sample)
  }

  /// The way that the parameters have gone, along minus the gradient and aside of it.
  func way(to replica: Replica) -> (descent: Double, aside: Double) {
    let end = replica.shared.trained
    var way = (descent: 0.0, aside: 0.0)
    for place in begin.indices {
      let gone = Double(begin[place]) - Double(end[place])
      way.descent += Double(direction[place]) * gone
      way.aside += Double(aside[place]) * gone
    }
    return way
  }
}

extension SampledTask {
  /// The gradient of a sample's mean loss, [P].
  fileprivate func gradient(
    of sample: Int, _ replica: Replica, in workspace: Workspace
  ) throws -> [Float] {
    let memory = FloatMemory(count: replica.parameters.trainedCount)
    workspace.isTraining = false
    replica.parameters.beginGradient(into: memory)
    let loss = try self.loss(ofSamples: [sample], step: 0, in: workspace)
    loss.sum.backward()
    replica.parameters.finishGradient()
    let count = Float(max(1, loss.targetCount))
    return memory.elements.map { $0 / count }
  }

  /// The mean loss of one sample over its targets.
  func meanLoss(of sample: Int, in workspace: Workspace) throws -> Double {
    try workspace.withoutRecording {
      let loss = try self.loss(ofSamples: [sample], step: 0, in: workspace)
      return Double(loss.sum.item) / Double(max(1, loss.targetCount))
    }
  }
}
