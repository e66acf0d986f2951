import Lockstep

/// Polyak's heavy ball:
///
///     v = momentum · v + scale · gradient
///     p = p - rate · v
///
/// An update rule for single elements is an `ElementwiseMethod`. Slices, ranks, threads, schedule,
/// clipping and checkpoints of what it remembers are Lockstep's own.
struct HeavyBall: ElementwiseMethod {
  var momentum: Float = 0.9
  let weightDecay = 0.0

  /// In a checkpoint v is `velocity/` and the parameter's name.
  let stateNames = ["velocity"]

  func update(_ run: ElementRun, at point: UpdatePoint) {
    let (velocity, rate) = (run.state(0), Float(point.learningRate))
    for element in 0..<run.elementCount {
      velocity[element] = momentum * velocity[element] + point.scale * run.gradient[element]
      run.parameters[element] -= rate * velocity[element]
    }
  }
}

/// Fits a line to a CSV file, `configs/data/cars.csv` of Lockstep, with an optimiser of its own.
@main
enum OwnOptimizer {
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
      plan.steps = 300
      plan.optimizer.learningRate = 0.02
      plan.optimizer.clipNorm = 0
      plan.schedule.shape = .constant

      let data = try SampleData(.values(table), plan: plan, communicator: communicator)
      let line = LinearPredictor(features: 1, outputs: 1)
      let trainer = try Trainer(
        task: data.task(of: line, plan: plan), plan: plan, optimizer: HeavyBall(),
        communicator: communicator)
      let code = try trainer.run()

      print(launch.description(of: communicator.topology))
      print("r2", trainer.lastEvaluation?.metrics["r2"] ?? Double.nan)
      print("loss", trainer.lastLoss ?? Double.nan)
      return code
    }
  }
}
