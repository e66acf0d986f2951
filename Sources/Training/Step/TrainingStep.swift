// M micro-batches of an optimiser step, N ranks.

import LockstepCommunication
import LockstepOptimization
import LockstepParallelism
import LockstepReporting
import LockstepTensors

/// One optimiser step on one rank: forward and backward of its micro-batches, one reduction, clip,
/// update of its parts of the parameters, and the exchange of all parts.
public final class TrainingStep: OptimizationStep {
  /// Where a step's ranks, micro-batches and number are among those of the run.
  struct Place {
    /// What steps count from where samples and random numbers are drawn.
    var firstStep = 0
    /// What the ranks of the communicator count from.
    var firstRank = 0
    /// What the plan's micro-batches count from.
    var firstMicrobatch = 0
  }

  private let task: any TrainingTask
  private let replica: Replica
  /// Nil only while another one takes its place.
  private var heldReduction: (any GradientReduction)?
  private let communicator: any Communicator
  /// May change between steps.
  var place: Place
  /// What is added to the gradient before it is clipped; nil: nothing. Default: nil.
  var correction: (any GradientCorrection)?
  private let schedule: Schedule
  private let clip: ClipNorm
  private let treatment: GradientTreatment?
  private let configuration: OptimizerConfiguration
  private var outliers = OutlierDetector()
  private let seed: UInt64
  /// The tensors, and this rank's parts.
  package let layout: ParameterLayout
  /// What evaluations made of the schedule: a factor on the learning rate.
  package var rateFactor = 1.0
  private let verification: ParameterVerification?
  private let recorder: DistributionRecorder?
  /// Nil where the run is not private.
  private let privacy: PrivateTraining?
  private let privateGradients: PrivateGradients?
  package private(set) var distributions: [DistributionsRecord] = []
  /// Holds the state of this rank's parts.
  public let optimizer: any Optimizer
  /// Where the time of all steps so far went.
  package private(set) var phases = StepPhases()
  private var timeline: Timeline? { replica.workspace.threads.timeline }
  private var reduction: any GradientReduction {
    guard let heldReduction else { preconditionFailure("a step has a reduction") }
    return heldReduction
  }

  /// Micro-batches of a step that this rank computes.
  package var microbatchCount: Int { reduction.ownedLeaves.count }
  /// Micro-batches that this rank has computed so far.
  package private(set) var computedMicrobatches = 0
  /// The matrix products of the first micro-batch's forward pass; nil before it is computed.
  package private(set) var products: ForwardProducts?
  /// Floating-point operations of the products of this rank's micro-batches so far, forward and
  /// backward.
  package private(set) var operations = 0.0

  /// Allocates gradients and optimiser state. Collective.
  ///
  /// - Parameters:
  ///   - task: Gives the loss of each micro-batch.
  ///   - replica: Of the task's model.
  ///   - plan: `batch`, `optimizer`, `schedule`, `reduction`, `steps` and `seed` are used.
  ///   - method: An update rule in place of the plan's. Default: nil, the plan's.
  /// - Throws: `ParameterPatternError` for a group of the optimiser that matches no parameter.
  public convenience init(
    task: any TrainingTask, replica: Replica, plan: Plan,
    optimizer method: (any OptimizerMethod)? = nil, communicator: any Communicator
  ) throws {
    try self.init(
      task: task, replica: replica, plan: plan, optimizer: method, privacy: nil,
      communicator: communicator)
  }

  /// - Parameter privacy: What makes the step private; nil: it is not. It is of the same task.
  convenience init(
    task: any TrainingTask, replica: Replica, plan: Plan,
    optimizer method: (any OptimizerMethod)?, privacy: PrivateTraining?,
    communicator: any Communicator
  ) throws {
    try self.init(
      task: task, replica: replica, plan: plan, optimizer: method, privacy: privacy,
      communicator: communicator,
      reduction: plan.reduction.reduction(
        communicator: communicator, elementCount: replica.parameters.trainedCount,
        leafCount: plan.batch.microbatches, layout: replica.shared.partition.layout,
        pool: replica.workspace.threads))
  }

  /// - Parameters:
  ///   - reduction: Of the plan's micro-batches over the communicator's ranks. Steps that follow one
  ///     another may have the same.
  ///   - place: Default: the step is that of the whole run.
  init(
    task: any TrainingTask, replica: Replica, plan: Plan,
    optimizer method: (any OptimizerMethod)?, privacy: PrivateTraining? = nil,
    communicator: any Communicator,
    reduction: any GradientReduction, place: Place = Place()
  ) throws {
    self.privacy = privacy
    privateGradients = privacy.flatMap { privacy in
      (task as? any SampledTask).map {
        PrivateGradients(task: $0, replica: replica, privacy: privacy, plan: plan)
      }
    }
    self.task = task
    self.replica = replica
    self.communicator = communicator
    heldReduction = reduction
    self.place = place
    configuration = plan.optimizer
    let (peers, threads) = (CommunicatorPeers(communicator), replica.workspace.threads)
    let partition = reduction.partition
    layout = try communicator.agree {
      try replica.parameters.layout(
        plan.optimizer, partition: partition, rank: communicator.rank)
    }
    optimizer = (method ?? plan.optimizer.method.rule).optimizer(
      for: layout, peers: peers, threads: threads)
    treatment = GradientTreatment(
      plan.optimizer, layout: layout, peers: peers, threads: threads)
    schedule = plan.schedule.schedule(
      learningRate: plan.optimizer.learningRate, steps: plan.steps)
    clip = ClipNorm(maximum: plan.optimizer.clipNorm)
    seed = UInt64(plan.seed)
    verification = ParameterVerification(
      of: replica, every: plan.verify.every, communicator: communicator,
      firstRank: place.firstRank)
    recorder = DistributionRecorder(
      every: plan.report.histogramsEvery, layout: layout, communicator: communicator)
  }

  /// Deals the micro-batches out anew, between two steps. Collective.
  ///
  /// Sums keep their order, so that no bit depends on it. Memory for gradients is given back and taken anew.
  ///
  /// - Parameters:
  ///   - division: Of the micro-batches of this step.
  ///   - method: Of `plan.reduction`; not `allreduce`, whose bits depend on the division.
  /// - Returns: Whether it is done, the same on all ranks: where a host has too little memory for it, the
  ///   division stays as it was.
  /// - Throws: `CommunicationError.outOfMemory` where not even that can be had again.
  package func rebalance(to division: LeafDivision, method: ReductionMethod) throws -> Bool {
    guard let before = (heldReduction as? CanonicalReduction)?.division else {
      preconditionFailure("the bits of allreduce depend on the division")
    }
    do {
      try deal(division, method: method)
      return true
    } catch CommunicationError.outOfMemory {
      // All ranks have learned it together.
      try deal(before, method: method)
      return false
    }
  }

  /// Gives back the memory for gradients, and takes that for another division. Collective.
  private func deal(_ division: LeafDivision, method: ReductionMethod) throws {
    replica.parameters.releaseGradient()
    heldReduction = nil
    heldReduction = try method.canonical(
      communicator: communicator, elementCount: replica.parameters.trainedCount,
      division: division, layout: replica.shared.partition.layout,
      pool: replica.workspace.threads)
  }

  /// Takes one step. Collective.
  ///
  /// - Parameters:
  ///   - step: Optimiser steps taken before, from 0.
  ///   - flag: Any small number; all ranks learn the largest.
  /// - Throws: `NotFiniteError`, on all ranks, before any parameter is changed.
  public func run(step: Int, flag: Int = 0) throws -> StepOutcome {
    communicator.step = step + 1
    distributions = []
    reduction.begin(
      StepDraws(
        seed: seed, step: place.firstStep + step, firstMicrobatch: place.firstMicrobatch))
    for leaf in reduction.ownedLeaves {
      let loss = try gradient(step: step, leaf: leaf)
      computedMicrobatches += 1
      phases.time(\.reduction, on: timeline) {
        reduction.fold(scalars: [loss.sum, loss.targetCount])
      }
    }
    let total = try phases.timeReduction(over: communicator) { try reduction.reduce(flag: flag) }
    var outcome = StepOutcome(
      step: step + 1, total: total,
      learningRate: rateFactor * schedule.learningRate(step: step + 1),
      mayBeEmpty: privacy != nil)
    try requireFinite(outcome, total)
    if let privacy { try addNoise(of: privacy, to: total, &outcome) }
    let divisor = privacy?.expectedCount ?? outcome.targetCount
    if let correction { try correct(total, by: correction, divisor: divisor, &outcome) }
    outcome.skipped = outlier(outcome)
    guard outcome.skipped == nil else { return outcome }
    let recorder = recorder.flatMap { $0.isDue(step: step + 1) ? $0 : nil }
    recorder?.begin(
      gradient: total, targetCount: divisor, parameters: replica.shared.trained)
    // Before they change: all ranks have read the same parameters in this step.
    let words = phases.time(\.reduction, on: timeline) { verification?.words(step: step + 1) ?? [] }
    try phases.time(\.optimizer, on: timeline) {
      var scale = Float(clip.factor(norm: outcome.gradientNorm) / divisor)
      if let treatment {
        try treatment.apply(to: total.values, parameters: replica.shared.trained, scale: scale)
        scale = 1
      }
      try optimizer.update(
        parameters: replica.shared.trained, gradient: total.values, scale: scale, step: step + 1,
        learningRate: outcome.learningRate)
    }
    recorder?.finish(parameters: replica.shared.trained)
    let all = try phases.timeReduction(over: communicator) {
      // The next step needs them one after the other.
      try replica.shared.share(
        contributing: words, inBackground: replica.shared.partition.layout == .interleaved)
    }
    if !all.isEmpty { try verification?.compare(all, step: step + 1) }
    if let recorder { distributions = try recorder.gather(step: step + 1) }
    return outcome
  }

  /// Makes the sum of clipped gradients private, each rank its parts: from here on nothing else of the data is
  /// looked at. Collective.
  private func addNoise(
    of privacy: PrivateTraining, to total: ReducedGradient, _ outcome: inout StepOutcome
  ) throws {
    phases.time(\.optimizer, on: timeline) {
      privacy.gaussian.add(
        to: total.values, of: layout, step: outcome.step - 1, on: replica.workspace.threads)
    }
    outcome.gradientNorm = try phases.timeReduction(over: communicator) {
      try communicator.squares(of: total.values, over: reduction.partition).squareRoot()
        / privacy.expectedCount
    }
  }

  /// Collective.
  private func correct(
    _ total: ReducedGradient, by correction: any GradientCorrection, divisor: Double,
    _ outcome: inout StepOutcome
  ) throws {
    phases.time(\.optimizer, on: timeline) {
      correction.apply(
        to: total.values, parameters: replica.shared.trained, scale: Float(divisor))
    }
    outcome.gradientNorm =
      try communicator.squares(of: total.values, over: reduction.partition).squareRoot() / divisor
  }

  /// Why the step is to change nothing; nil where it is like the ones before. The same on all ranks.
  private func outlier(_ outcome: StepOutcome) -> String? {
    guard configuration.skipAbove > 0 else { return nil }
    return outliers.outlier(
      loss: outcome.loss, norm: outcome.gradientNorm, limit: configuration.skipAbove,
      window: configuration.skipWindow)
  }

  package var states: [OptimizerState] { optimizer.states }

  package var notes: [String: String] {
    get throws {
      var notes = optimizer.notes
      if configuration.skipAbove > 0 { notes["outliers"] = try Note.text(outliers) }
      return notes
    }
  }

  package func resume(from notes: [String: String]) throws {
    try optimizer.resume(from: notes)
    outliers = try Note.value("outliers", in: notes) ?? OutlierDetector()
  }

  /// Refuses a step whose loss or gradient is not a finite number. Collective: all ranks know the
  /// same sums, and look for the place together.
  private func requireFinite(_ outcome: StepOutcome, _ total: ReducedGradient) throws {
    if let leaf = total.nonFiniteLeaf {
      throw NotFiniteError.loss(
        step: outcome.step, rank: place.firstRank + leaf.rank,
        microbatch: place.firstMicrobatch + leaf.microbatch, value: leaf.value)
    }
    guard !outcome.gradientNorm.isFinite else { return }
    guard let found = try reduction.locateNonFinite() else {
      throw NotFiniteError.gradientNorm(step: outcome.step, value: outcome.gradientNorm)
    }
    let entry = replica.parameters.entries.first { $0.range.contains(found.element) }
    let (first, microbatches) = (place.firstMicrobatch, found.microbatches)
    throw NotFiniteError.gradient(
      step: outcome.step, rank: place.firstRank + found.rank,
      microbatches: first + microbatches.lowerBound..<first + microbatches.upperBound,
      parameter: entry?.name ?? "element \(found.element)")
  }

  /// Computes the gradient of one micro-batch's summed loss into the reduction's leaf buffer.
  private func gradient(
    step: Int, leaf: Int
  ) throws -> (sum: Double, targetCount: Double) {
    let workspace = replica.workspace
    let microbatch = place.firstMicrobatch + leaf
    if let privateGradients {
      let before = workspace.products.operations
      defer { operations += workspace.products.operations - before }
      return try privateGradients.sum(
        step: place.firstStep + step, microbatch: microbatch, into: reduction.leafBuffer,
        timing: &phases)
    }
    workspace.isTraining = true
    workspace.seekRandom(seed: seed, step: place.firstStep + step, microbatch: microbatch)
    replica.parameters.beginGradient(
      into: FloatMemory(viewing: reduction.leafBuffer, owner: reduction))
    let before = replica.workspace.products.operations
    defer { operations += replica.workspace.products.operations - before }
    let awaited = replica.shared.secondsAwaited
    let loss = try phases.time(\.forward, on: timeline) {
      try forward(step: place.firstStep + step, microbatch: microbatch)
    }
    phases.countAwaited(replica.shared.secondsAwaited - awaited)
    // The messages of the gradient take their place.
    try phases.time(\.reduction, on: nil) { try replica.shared.finish() }
    phases.time(\.backward, on: timeline) {
      if leaf == reduction.ownedLeaves.last, reduction.beginLast() {
        replica.parameters.awaitGradient { [reduction] in reduction.report(firstFinal: $0) }
      }
      loss.sum.backward()
      replica.parameters.finishGradient()
    }
    return (Double(loss.sum.item), Double(loss.targetCount))
  }

  /// The loss of a micro-batch, the first one's products listed.
  private func forward(step: Int, microbatch: Int) throws -> BatchLoss {
    guard products == nil else {
      return try task.loss(step: step, microbatch: microbatch, in: replica.workspace)
    }
    let first = try replica.workspace.products.listing {
      try task.loss(step: step, microbatch: microbatch, in: replica.workspace)
    }
    products = first.products
    return first.result
  }
}
