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

/// Fits the curve to a CSV file, `configs/data/cars.csv` of Lockstep, in one process or under
/// `mpirun`: the result is the same, bit for bit.
@main
enum OwnModel {
  static func main() {
    Launch.run { communicator, launch in
      var table = TableDataConfiguration()
      table.train = CommandLine.arguments.dropFirst().first ?? "cars.csv"
      table.validation = table.train
      table.target = "distance"

      var configuration = RunConfiguration()
      configuration.task = .regression
      configuration.data = DataConfiguration(.csv(table))
      // Some architecture for samples, in whose place the model comes.
      configuration.model = ModelConfiguration(LinearConfiguration())
      // All 50 rows at every step.
      configuration.batch.sequences = 10
      configuration.batch.microbatches = 5
      configuration.steps = 500
      configuration.optimizer.method = .sgd(SGD())
      configuration.optimizer.learningRate = 0.1
      configuration.optimizer.clipNorm = 0
      configuration.schedule.shape = .constant

      let data = try SampleData(configuration, communicator: communicator)
      let model = Braking()
      let trainer = try Trainer(
        task: data.task(of: model, for: configuration), configuration: configuration,
        communicator: communicator)
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
