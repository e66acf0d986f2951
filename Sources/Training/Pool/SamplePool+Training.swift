import LockstepCommunication
import LockstepNeuralNetworks
import LockstepOptimization
import LockstepPrivacy
import LockstepTensors

extension SamplePool {
  /// Trains a new model on some of the samples, and saves nothing.
  ///
  /// - Parameters:
  ///   - samples: Their numbers.
  ///   - gap: One of them that adds nothing; see `PooledTask`. Default: none.
  ///   - plan: As of `Plan.forTrial`.
  ///   - key: Draws samples and noise of a private plan: another one for each training. Default: none.
  ///   - workspace: Computes.
  ///   - change: Called with the model before its first step. Default: nobody looks.
  /// - Returns: The model, with its parameters.
  package func trained(
    on samples: [Int], gap: Int? = nil, plan: Plan, key: PrivacyKey? = nil,
    in workspace: Workspace, before look: (any Module, Replica) throws -> Void = { _, _ in }
  ) throws -> (network: any Module, replica: Replica) {
    let network = try network()
    let task = PooledTask(
      try task(of: network, isMeasuring: false), samples: samples, gap: gap, plan: plan)
    let trainer = try Trainer(
      task: task, plan: plan, initialization: configuration.recipe.initialization,
      weights: beginning.weights, communicator: SoloCommunicator(), workspace: workspace,
      memory: nil,
      privacy: key.map { PrivacySession(key: $0, fingerprint: $0.fingerprint, path: "") })
    try look(network, trainer.replica)
    while !trainer.isDone { _ = try trainer.replayStep() }
    try trainer.versions.present()
    workspace.isTraining = false
    return (network, trainer.replica)
  }
}

extension Plan {
  /// The plan of a training that is there to be looked at: nothing is evaluated, saved or shown on the way.
  ///
  /// - Parameter steps: Of the training; a longer warm-up becomes the same share of it. Where workers synchronise, so
  ///   many whole rounds as are in it, at least one. Default: as many.
  package func forTrial(steps: Int? = nil) -> Plan {
    var plan = self
    plan.steps = steps ?? self.steps
    if synchronize.isOn {
      plan.steps = max(1, plan.steps / synchronize.every) * synchronize.every
    }
    if plan.schedule.warmupSteps > plan.steps {
      plan.schedule.warmupSteps = plan.schedule.warmupSteps * plan.steps / max(1, self.steps)
    }
    // What goes by evaluations has none to go by.
    if plan.schedule.plateau != nil { plan.schedule.shape = .constant }
    plan.earlyStopping = EarlyStoppingConfiguration()
    plan.evaluate = EvaluationConfiguration()
    plan.evaluate.every = 0
    plan.checkpoint.every = 0
    plan.snapshot.every = 0
    plan.verify.every = 0
    plan.samples.every = 0
    plan.report.histogramsEvery = 0
    plan.rebalance = false
    return plan
  }
}
