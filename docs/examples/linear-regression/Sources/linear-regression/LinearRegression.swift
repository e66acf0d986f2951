// B rows in a micro-batch, M micro-batches in an optimiser step.

import Lockstep
import LockstepMPICommunication

/// distance = weight · (speed - 15) + bias.
///
/// A network is a `Module`: its stored properties are the layers and parameters to be trained.
struct Line: Module {
  /// About the mean, for gradient descent wants its inputs around zero.
  static let middleSpeed: Float = 15

  let map = Linear(inputs: 1, outputs: 1, initializer: .zeros)

  /// - Parameter speeds: Miles an hour over `middleSpeed`, [B, 1].
  /// - Returns: Stopping distances in feet, [B, 1].
  func callAsFunction(_ speeds: Tensor) -> Tensor { map(speeds) }

  /// Feet for each mile an hour.
  var slope: Float { map.weight.tensor.item }
  /// Feet at a speed of zero.
  var intercept: Float { (map.bias?.tensor.item ?? 0) - slope * Self.middleSpeed }
}

/// Predicts how far a car goes before it stands, from its speed.
///
/// A task is a model and the loss of any micro-batch. All 50 rows are learned from at every step,
/// ten in each of M = 5 micro-batches; a task with more data would choose its rows by `step`, too.
final class StoppingDistance: TrainingTask {
  static let microbatchCount = 5

  let line = Line()

  var model: any Module { line }

  /// The squared errors, summed: the trainer divides by the number of targets of all ranks.
  func loss(step: Int, microbatch: Int, in workspace: Workspace) -> BatchLoss {
    let count = measurements.count / Self.microbatchCount
    let rows = measurements[microbatch * count..<(microbatch + 1) * count]
    let speeds = Tensor(rows.map { $0.speed - Line.middleSpeed }, shape: [count, 1], in: workspace)
    let distances = Tensor(rows.map(\.distance), shape: [count, 1], in: workspace)
    let error = line(speeds) - distances  // [B, 1]
    return BatchLoss(sum: (error * error).sum(), targetCount: count)
  }
}

/// Fits the line, in one process or under `mpirun` with up to M ranks: the result is the same, bit
/// for bit.
@main
enum LinearRegression {
  static func main() {
    Launch.run(over: .mpi) { communicator, launch in
      var plan = Plan()
      plan.batch.microbatches = StoppingDistance.microbatchCount
      plan.steps = 500
      plan.optimizer.method = .sgd(SGD())
      plan.optimizer.learningRate = 0.02
      plan.optimizer.clipNorm = 0
      plan.schedule.shape = .constant

      let task = StoppingDistance()
      let trainer = try Trainer(task: task, plan: plan, communicator: communicator)
      let code = try trainer.run()

      if communicator.isRankZero {
        print(launch.description(of: communicator.topology))
        print("slope", task.line.slope)
        print("intercept", task.line.intercept)
        print("parameters_sha256", trainer.parametersHash)
      }
      return code
    }
  }
}
