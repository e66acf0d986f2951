// P parameters, L local steps.

import CLockstepKernels
import LockstepCommunication
import LockstepFederation
import LockstepOptimization
import LockstepTensors

/// Plays one client after the other on one rank: from the run's parameters, by local steps, to a change.
final class ClientTraining {
  /// The parameters of the client that is being played, [P]; afterwards its change.
  let replica: Replica
  /// A client's steps, of this rank alone.
  let step: TrainingStep
  private let task: FederatedTask
  private let batch: BatchConfiguration
  private let deadline: Double
  private let baseRate: Double
  /// Squares of the change, one for each block.
  private var squares: [Double]
  /// What all elements of each of the optimiser's states begin as.
  private let beginnings: [Float]

  /// - Parameters:
  ///   - replica: The run's.
  ///   - plan: The run's; of a client are `batch`, `optimizer` and `reduction`.
  init(
    task: FederatedTask, beside replica: Replica, plan: Plan,
    optimizer method: (any OptimizerMethod)?
  ) throws {
    let alone = SoloCommunicator()
    var own = plan
    // Steps are rounds: a client's learning rate is the same in all its steps.
    (own.schedule.shape, own.schedule.warmupSteps) = (.constant, 0)
    own.verify.every = 0
    own.report.histogramsEvery = 0
    self.task = task
    batch = plan.batch
    deadline = plan.federated.deadline
    baseRate = plan.optimizer.learningRate
    self.replica = try Replica(beside: replica, communicator: alone)
    step = try TrainingStep(
      task: task, replica: self.replica, plan: own, optimizer: method, communicator: alone,
      reduction: plan.reduction.reduction(
        communicator: alone, elementCount: replica.parameters.trainedCount,
        leafCount: plan.batch.microbatches, pool: replica.workspace.threads))
    beginnings = step.optimizer.states.map { $0.values.first ?? 0 }
    let blockSize = SlicePartition.blockSize
    squares = Array(
      repeating: 0, count: (replica.parameters.trainedCount + blockSize - 1) / blockSize)
  }

  /// What a client comes to.
  struct Outcome {
    /// The losses of all its local steps.
    var tally: RoundTally
    /// Largest magnitude of an element of its change.
    let largest: Float
    /// Norm of its change.
    let norm: Double
    /// L.
    let steps: Int
  }

  /// Trains as a client does in a round. Afterwards `change` is what it came to.
  ///
  /// - Parameters:
  ///   - parameters: The run's, [P].
  ///   - learningRate: Of the client's optimiser in this round.
  ///   - correction: Of its gradients. Default: none.
  /// - Throws: `ClientFailure`, or what its data can not be read for.
  func run(
    _ client: Int, round: Int, from parameters: UnsafeMutableBufferPointer<Float>,
    learningRate: Double, correcting correction: (any GradientCorrection)? = nil
  ) throws -> Outcome {
    try begin(client, round: round, from: parameters, learningRate: learningRate)
    step.correction = correction
    let start = ContinuousClock.now
    var tally = RoundTally(examples: Double(task.clients[client].count))
    let steps = task.localSteps(of: client)
    do {
      for local in 0..<steps {
        let outcome = try step.run(step: local)
        tally.loss += outcome.loss * outcome.targetCount
        tally.targetCount += outcome.targetCount
        if deadline > 0, (ContinuousClock.now - start) / .seconds(1) > deadline {
          throw ClientFailure.late(step: local + 1, of: steps, seconds: deadline)
        }
      }
    } catch is NotFiniteError {
      throw ClientFailure.notFinite
    }
    let largest = turnIntoChange(from: parameters)
    guard largest.isFinite else { throw ClientFailure.notFinite }
    return Outcome(tally: tally, largest: largest, norm: norm, steps: steps)
  }

  /// The parameters that the client began with minus those that it came to, [P].
  var change: UnsafeMutableBufferPointer<Float> { replica.shared.trained }

  private func begin(
    _ client: Int, round: Int, from parameters: UnsafeMutableBufferPointer<Float>,
    learningRate: Double
  ) throws {
    let (own, threads) = (change, replica.workspace.threads)
    threads.run(over: own.count, grain: Self.grain) { part in
      _ = UnsafeMutableBufferPointer(rebasing: own[part])
        .update(fromContentsOf: parameters[part])
    }
    // A client's optimiser remembers nothing of another client, nor of another round.
    for (state, beginning) in zip(step.optimizer.states, beginnings) {
      state.values.update(repeating: beginning)
    }
    try step.resume(from: [:])
    step.rateFactor = baseRate == 0 ? 0 : learningRate / baseRate
    step.place = FederatedTask.place(round: round, client: client, batch)
    replica.bind()
  }

  private func turnIntoChange(from parameters: UnsafeMutableBufferPointer<Float>) -> Float {
    guard let start = parameters.baseAddress, let end = change.baseAddress else { return 0 }
    let (count, blockSize) = (change.count, SlicePartition.blockSize)
    var largest = [Float](repeating: 0, count: squares.count)
    largest.withUnsafeMutableBufferPointer { largest in
      squares.withUnsafeMutableBufferPointer { squares in
        let (largest, squares) = (largest.baseAddress, squares.baseAddress)
        replica.workspace.threads.run(tasks: (count + blockSize - 1) / blockSize) { block in
          let first = block * blockSize
          let length = Int64(min(blockSize, count - first))
          largest?[block] = CKernels_turnIntoChange(start + first, end + first, length)
          squares?[block] = CKernels_sumSquares(end + first, length)
        }
      }
    }
    return largest.max() ?? 0
  }

  /// Over blocks of 65,536 elements, in order.
  private var norm: Double { squares.reduce(0, +).squareRoot() }

  private static let grain = 1 << 16
}

/// Why a client is left out of a round.
enum ClientFailure: Error, Equatable, CustomStringConvertible {
  case notFinite
  case tooLarge(magnitude: Double)
  /// The mean of its gradients, of which SCAFFOLD makes its cᵢ.
  case largeControl(magnitude: Double)
  /// The mean of a target.
  case largeLoss(Double)
  case late(step: Int, of: Int, seconds: Double)
  /// Drawn by the seed.
  case dropout

  /// Whether the client could have trained at another time.
  var isAccident: Bool {
    switch self {
    case .late, .dropout: true
    case .notFinite, .tooLarge, .largeControl, .largeLoss: false
    }
  }

  var description: String {
    switch self {
    case .notFinite:
      "its loss or its change is not a finite number; a smaller learning rate may help"
    case .tooLarge(let magnitude):
      "its change, of magnitude \(magnitude) with its weight, is too large to be added up; a smaller learning "
        + "rate or `weighting: uniform` may help"
    case .largeControl(let magnitude):
      "its change over its learning rate, of magnitude \(magnitude), is too large for scaffold to be added up; a "
        + "lower optimizer.clip_norm may help"
    case .largeLoss(let loss):
      "its loss, \(loss), is too large to be added up; a smaller learning rate may help"
    case .late(let step, let steps, let seconds):
      "it had taken \(step) of \(steps) local steps after \(seconds) seconds, federated.deadline"
    case .dropout: "it dropped out (federated.dropout)"
    }
  }

  /// The same without numbers, which tell of the client.
  var kind: String {
    switch self {
    case .notFinite, .dropout: description
    case .tooLarge, .largeControl:
      "its change is too large to be added up; a smaller learning rate or `weighting: uniform` may help"
    case .largeLoss: "its loss is too large to be added up; a smaller learning rate may help"
    case .late: "it took longer than federated.deadline"
    }
  }
}

/// A round of which every client failed.
struct AllClientsFailed: Error, Equatable, CustomStringConvertible {
  let round: Int
  /// Clients that failed since this was last asked, and why.
  let notices: [String]
  /// Why the first of this rank failed; nil: it played none.
  let first: String?

  var description: String {
    let reasons = notices.first ?? first ?? "see above"
    return "round \(round): every client failed, and nothing of it was saved. \(reasons)"
  }
}

/// What clients did in a round, added up.
struct RoundTally: Equatable {
  /// Training samples of the clients, which may be what their changes count for.
  var examples = 0.0
  /// Sum of all targets' losses.
  var loss = 0.0
  var targetCount = 0.0
}
