// B samples.

import Lockstep

/// distance = a + b · v + c · v², of the speed v: braking takes the square of it.
///
/// A model for samples is a `Predictor`: a `Module` that maps samples to numbers. The task, its
/// data, loss and metrics are Lockstep's own.
struct Braking: Predictor {
  let linear = Linear(inputs: 1, outputs: 1, initializer: .zeros)
  let square = Linear(inputs: 1, outputs: 1, hasBias: false, initializer: .zeros)

  /// - Parameter samples: Speeds of mean 0 and deviation 1, [B, 1].
  /// - Returns: Stopping distances in feet, [B, 1].
  func outputs(of samples: Tensor) -> Tensor { linear(samples) + square(samples * samples) }

  /// a, in feet.
  var constant: Float { linear.bias?.tensor.item ?? 0 }
}

/// Fits the curve to a CSV file, `configs/data/cars.csv` of Lockstep, in one process and without MPI.
@main
enum OwnModel {
  static func main() {
    Launch.run { communicator, launch in
      var table = TableDataConfiguration()
      table.train = CommandLine.arguments.dropFirst().first ?? "cars.csv"
      table.validation = table.train
      table.target = "distance"

      var plan = Plan()
      // All 50 rows at every step.
      plan.batch.sequences = 10
      plan.batch.microbatches = 5
      plan.steps = 500
      plan.optimizer.method = .sgd(SGD())
      plan.optimizer.learningRate = 0.1
      plan.optimizer.clipNorm = 0
      plan.schedule.shape = .constant

      let data = try SampleData(.values(table), plan: plan, communicator: communicator)
      let model = Braking()
      let trainer = try Trainer(
        task: data.task(of: model, plan: plan), plan: plan, communicator: communicator)
      let code = try trainer.run()

      if communicator.isRankZero {
        print(launch.description(of: communicator.topology))
        print("a", model.constant)
        print("b", model.linear.weight.tensor.item)
        print("c", model.square.weight.tensor.item)
        print("r2", trainer.lastEvaluation?.metrics["r2"] ?? Double.nan)
        print("parameters_sha256", trainer.parametersHash)
      }
      return code
    }
  }
}
