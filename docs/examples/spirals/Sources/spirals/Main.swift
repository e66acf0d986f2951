import Lockstep
import LockstepMPICommunication

/// Tells the spirals apart. A task is a model and the loss of any micro-batch.
final class TellSpiralsApart: TrainingTask {
  /// M: a step is cut into so many pieces, which the ranks share out.
  static let microbatchCount = 4

  let network = Network()

  var model: any Module { network }

  /// All points that are learned from take part in each step, each micro-batch has a quarter of them.
  func loss(step: Int, microbatch: Int, in workspace: Workspace) -> BatchLoss {
    let count = Spirals.training.count / Self.microbatchCount
    let points = Array(Spirals.training[microbatch * count..<(microbatch + 1) * count])
    return lossAndScores(of: points, in: workspace).loss
  }

  // What is measured on points that the network has not seen.

  var evaluationBatchCount: Int { 1 }
  var metrics: [Metric] { [.accuracy] }

  func evaluationLoss(batch: Int, in workspace: Workspace) -> BatchLoss {
    let (loss, scores) = lossAndScores(of: Spirals.heldOut, in: workspace)
    let right = scores.countOfTargets(
      amongHighest: 1, targets: Spirals.heldOut.map { Int32($0 % 2) })
    return BatchLoss(sum: loss.sum, targetCount: loss.targetCount, sums: [Double(right)])
  }

  /// The cross-entropy, summed: the trainer divides by the number of points of all micro-batches.
  private func lossAndScores(
    of indices: [Int], in workspace: Workspace
  ) -> (loss: BatchLoss, scores: Tensor) {
    let coordinates = indices.flatMap { [Spirals.points[$0].x, Spirals.points[$0].y] }
    let scores = network(Tensor(coordinates, shape: [indices.count, 2], in: workspace))
    let targets = Indices(indices.map { Int32($0 % 2) }, shape: [indices.count])
    let sum = scores.softmaxCrossEntropy(targets: targets)
    return (BatchLoss(sum: sum, targetCount: indices.count), scores)
  }
}

/// In one process, or under `mpirun` with up to M ranks: the result is the same, bit for bit.
@main
enum Main {
  static func main() {
    StopRequest.bySignals { stop in
      Launch.run(over: .mpi) { communicator, _ in
        var plan = Plan()
        plan.batch.microbatches = TellSpiralsApart.microbatchCount
        plan.steps = 600
        plan.optimizer.learningRate = 0.01
        plan.evaluate.every = 200

        let directory = CommandLine.arguments.dropFirst().first ?? "runs/spirals"
        let trainer = try Trainer(
          task: TellSpiralsApart(), plan: plan, communicator: communicator,
          directory: RunDirectory(path: directory), start: .newestCheckpoint)
        let code = try trainer.run(until: stop)

        if communicator.isRankZero {
          print("accuracy", trainer.lastEvaluation?.metrics["accuracy"] ?? Double.nan)
          print("parameters_sha256", trainer.parametersHash)
        }
        return code
      }
    }
  }
}
