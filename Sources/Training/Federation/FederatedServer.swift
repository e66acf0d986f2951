// P parameters, N ranks.

import CLockstepKernels
import LockstepCommunication
import LockstepFederation
import LockstepOptimization
import LockstepPrivacy

/// Adds up the clients' changes, and moves the run's parameters along their mean: each rank its slice.
final class FederatedServer {
  let layout: ParameterLayout
  private let replica: Replica
  private let sum: WordSum
  private let optimizer: any Optimizer
  private let learningRate: Double
  /// The mean change, [P], of which this rank has its slice.
  private let mean: UnsafeMutableBufferPointer<Float>
  private let memory: MemorySegment
  private let verification: ParameterVerification?
  private let communicator: any Communicator

  /// Collective.
  ///
  /// - Throws: `CommunicationError.sharedMemory` when the host has too little memory.
  init(replica: Replica, plan: Plan, communicator: any Communicator) throws {
    (self.replica, self.communicator) = (replica, communicator)
    let (parameters, threads) = (replica.parameters, replica.workspace.threads)
    let layout = try communicator.agree {
      // Groups of parameters are the clients'.
      try parameters.layout(
        OptimizerConfiguration(), partition: replica.shared.partition, rank: communicator.rank)
    }
    self.layout = layout
    sum = try WordSum(
      communicator: communicator, elementCount: parameters.trainedCount, pool: threads)
    memory = try communicator.agree {
      try MemorySegment(
        privateByteCount: layout.elementCount * MemoryLayout<Float>.stride,
        rank: communicator.rank)
    }
    mean = memory.bytes.bindMemory(to: Float.self)
    let rule = plan.federated.method.serverRule
    learningRate = rule.learningRate
    optimizer = rule.method.optimizer(for: layout, peers: NoPeers(), threads: threads)
    // A round is many steps: each is worth a comparison.
    verification = ParameterVerification(
      of: replica, every: plan.verify.every > 0 ? 1 : 0, communicator: communicator)
  }

  /// This rank's sum of changes, in fixed point, [P].
  var words: UnsafeMutableBufferPointer<UInt64> { sum.words }

  /// Begins a round.
  func begin() { words.update(repeating: 0) }

  /// Adds a change to this rank's sum.
  func add(_ change: UnsafeMutableBufferPointer<Float>, scale: Double) {
    guard let change = change.baseAddress, let words = words.baseAddress else { return }
    replica.workspace.threads.run(over: layout.elementCount, grain: 1 << 16) { part in
      CKernels_addFixedPoint(
        change + part.lowerBound, scale, words + part.lowerBound, Int64(part.count))
    }
  }

  /// Sums over all ranks, and updates the parameters. Collective.
  ///
  /// - Parameters:
  ///   - isEmpty: Whether nobody remains: then there is noise alone.
  ///   - weight: What the sum is divided by.
  ///   - noise: What is added to the sum; nil: nothing.
  ///   - unmask: Takes masks off a slice of the sum, given its first element.
  /// - Returns: The norm of the mean change.
  /// - Throws: `AgreedError` where the hosts do not have the same parameters.
  func finish(
    round: Int, isEmpty: Bool, weight: Double, noise: GaussianNoise?,
    unmasking unmask: (UnsafeMutableBufferPointer<UInt64>, Int) -> Void
  ) throws -> Double {
    let total = try sum.reduce()
    let first = layout.slice.lowerBound
    if isEmpty { total.update(repeating: 0) } else { unmask(total, first) }
    let own = UnsafeMutableBufferPointer(rebasing: mean[layout.slice])
    if let own = own.baseAddress, let total = total.baseAddress {
      CKernels_fromFixedPoint(total, own, Int64(layout.slice.count))
    }
    noise?.add(to: mean, of: layout, step: round, on: replica.workspace.threads)
    let norm = try communicator.squares(of: mean, over: replica.shared.partition).squareRoot()
    let words = verification?.words(step: round + 1) ?? []
    try optimizer.update(
      parameters: replica.shared.trained, gradient: mean, scale: Float(1 / weight),
      step: round + 1, learningRate: learningRate)
    let all = try replica.shared.share(contributing: words)
    if !all.isEmpty { try verification?.compare(all, step: round + 1) }
    return norm / weight
  }

  var states: [OptimizerState] {
    optimizer.states.map {
      OptimizerState($0.outline.named("server", ranksFrom: 0), values: $0.values)
    }
  }
}

extension FederatedMethod {
  /// How the parameters follow the mean change, and the learning rate, which is the same in every round.
  fileprivate var serverRule: (method: any OptimizerMethod, learningRate: Double) {
    switch self {
    case .fedavg(let server): return Self.rule(server)
    case .fedprox(let clients): return Self.rule(clients.server)
    case .scaffold(let clients): return Self.rule(clients.server)
    case .fedadam(let server):
      var adam = Adam()
      (adam.betas, adam.epsilon) = (server.betas, server.epsilon)
      return (adam, server.learningRate)
    }
  }

  private static func rule(
    _ server: AveragingServer
  ) -> (method: any OptimizerMethod, learningRate: Double) {
    var method = SGD()
    method.momentum = server.momentum
    return (method, server.learningRate)
  }
}
