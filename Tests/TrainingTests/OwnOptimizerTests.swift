import LockstepCommunication
import LockstepOptimization
import LockstepTraining
import Testing

/// Optimisers as users write them, with what is public of Lockstep's.
@Suite struct OwnOptimizerTests {
  /// Momentum, element by element, in plain Swift.
  private struct HeavyBall: ElementwiseMethod {
    let weightDecay = 0.0
    let stateNames = ["velocity"]

    func update(_ run: ElementRun, at point: UpdatePoint) {
      let (velocity, rate) = (run.state(0), Float(point.learningRate))
      for element in 0..<run.elementCount {
        velocity[element] = 0.9 * velocity[element] + point.scale * run.gradient[element]
        run.parameters[element] -= rate * velocity[element]
      }
    }
  }

  /// Steps of one length for each tensor, along its gradient.
  private struct NormalizedDescent: TensorMethod {
    let weightDecay = 0.0

    func stateShapes(of tensor: OptimizedTensor) -> [(name: String, shape: [Int])] {
      [("steps", [1])]
    }

    func update(_ update: TensorUpdate) {
      update.states[0][0] += 1
      update.finish(rate: update.learningRate / max(update.norm(update.gradient), 1e-12))
    }
  }

  private func train(
    _ method: (any OptimizerMethod)?, ranks: Int, steps: Int = 6,
    change: @Sendable (inout Plan) -> Void = { _ in }, directory: RunDirectory? = nil,
    start: Trainer.Start = .beginning
  ) throws -> (hash: String, loss: Double?) {
    var plan = Plan()
    plan.batch.microbatches = 4
    plan.steps = steps
    plan.optimizer.learningRate = 0.01
    plan.schedule.shape = .constant
    plan.checkpoint.every = 0
    change(&plan)
    let own = plan
    let outcomes = try InProcessGroup(size: ranks).run { communicator in
      let trainer = try Trainer(
        task: DeepRegression(isFullBatch: true), plan: own, optimizer: method,
        communicator: communicator, directory: directory, start: start, observers: [])
      _ = try trainer.run()
      return Outcome(hash: trainer.parametersHash, loss: trainer.lastLoss)
    }
    for outcome in outcomes { #expect(outcome.hash == outcomes[0].hash) }
    return (outcomes[0].hash, outcomes[0].loss)
  }

  private struct Outcome: Sendable {
    let hash: String
    let loss: Double?
  }

  @Test(arguments: [0, 1])
  func anOptimizerOfOnesOwnHasTheSameBitsOnAnyRanksAndResumes(index: Int) throws {
    let method: any OptimizerMethod = [HeavyBall(), NormalizedDescent()][index]
    let alone = try train(method, ranks: 1)
    for ranks in [2, 4] { #expect(try train(method, ranks: ranks).hash == alone.hash) }
    let folder = try TemporaryFolder()
    let directory = RunDirectory(path: folder.path + "/run")
    _ = try train(method, ranks: 3, steps: 2, directory: directory)
    let resumed = try train(
      method, ranks: 2, directory: directory, start: .newestCheckpoint)
    #expect(resumed.hash == alone.hash)
    #expect(alone.hash != (try train(nil, ranks: 1).hash))
  }

  @Test func itComputesWhatTheBuiltInMethodOfThatFormulaDoes() throws {
    let own = try #require(train(HeavyBall(), ranks: 1, steps: 20).loss)
    let first = try #require(train(HeavyBall(), ranks: 1, steps: 1).loss)
    let builtIn = try #require(
      train(nil, ranks: 1, steps: 20) { plan in
        var momentum = SGD()
        momentum.momentum = 0.9
        plan.optimizer.method = .sgd(momentum)
      }.loss)
    #expect(abs(own - builtIn) < 1e-4 * builtIn)
    #expect(own < 0.9 * first)
  }
}
