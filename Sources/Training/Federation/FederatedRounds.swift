// K clients, P parameters, N ranks.

import CLockstepKernels
import LockstepCommunication
import LockstepDatasets
import LockstepFederation
import LockstepOptimization
import LockstepTensors

/// Optimiser steps of a federated training, each of which is a round: some clients train by themselves from the run's
/// parameters, and these follow the mean of the clients' changes.
///
/// Changes are added up as numbers in fixed point, whose sum has the same bits in any order: so it does not matter
/// which rank plays which client, nor whether clients hide their changes by masks, which cancel exactly.
final class FederatedRounds: OptimizationStep {
  private let task: FederatedTask
  private let replica: Replica
  private let plan: Plan
  private let schedule: Schedule
  private let training: ClientTraining
  private let server: FederatedServer
  /// Nil but for SCAFFOLD.
  private let controls: ControlVariates?
  private let privacy: PrivateTraining?
  private let communicator: any Communicator
  private var ownPhases = StepPhases()
  var rateFactor = 1.0
  /// Clients whose failure the user knows of.
  private var told: Set<Int> = []

  private var configuration: FederatedConfiguration { plan.federated }
  private var change: UnsafeMutableBufferPointer<Float> { training.change }

  /// Allocates a client's parameters, gradients and optimiser, and what changes are added up in. Collective.
  ///
  /// - Parameters:
  ///   - replica: The run's parameters.
  ///   - plan: `federated`, and as of `TrainingStep.init`.
  ///   - method: Of the clients' optimisers; as of `TrainingStep.init`.
  ///   - privacy: Of whole clients; nil: the run is not private.
  init(
    task: FederatedTask, replica: Replica, plan: Plan, optimizer method: (any OptimizerMethod)?,
    privacy: PrivateTraining?, communicator: any Communicator
  ) throws {
    (self.task, self.replica, self.plan) = (task, replica, plan)
    (self.privacy, self.communicator) = (privacy, communicator)
    schedule = plan.schedule.schedule(
      learningRate: plan.optimizer.learningRate, steps: plan.steps)
    training = try communicator.agree {
      try ClientTraining(task: task, beside: replica, plan: plan, optimizer: method)
    }
    server = try FederatedServer(replica: replica, plan: plan, communicator: communicator)
    if case .scaffold = plan.federated.method {
      controls = try ControlVariates(
        layout: server.layout, clients: task.clients, threads: replica.workspace.threads,
        communicator: communicator)
    } else {
      controls = nil
    }
  }

  // MARK: - Rounds

  func run(step: Int, flag: Int) throws -> StepOutcome {
    communicator.step = step + 1
    let clients = clients(ofRound: step)
    let members = clients.flatMap(\.self).sorted()
    let exchange = try time { try secureExchange(step, of: clients) }
    let learningRate = rateFactor * schedule.learningRate(step: step + 1)
    server.begin()
    controls?.begin()
    let own = play(
      clients[communicator.rank], round: step, learningRate: learningRate, hiding: exchange)
    let round = try time { try agree(on: own, of: members, step: step, flag: flag) }
    let least = exchange == nil ? 1 : SecureExchange.threshold(of: members.count)
    if privacy == nil, round.hasOnlyFailures { throw failure(of: round, own, step: step) }
    // A private round must not tell that there was nobody: it is noise alone then.
    guard round.remaining.count >= least || privacy != nil else {
      return skipped(
        round, of: members.count, step: step, learningRate: learningRate, least: least)
    }
    let removal =
      round.remaining.isEmpty
      ? nil : try time { try exchange?.removal(remaining: round.remaining) }
    let threads = replica.workspace.threads
    let tally = round.tally { removal?.removeMasks(from: $0, from: maskedCount, on: threads) }
    let norm = try time {
      try server.finish(
        round: step, isEmpty: round.remaining.isEmpty,
        weight: privacy?.expectedCount ?? weight(of: tally, count: round.remaining.count),
        noise: privacy?.gaussian
      ) { removal?.removeMasks(from: $0, from: $1, on: threads) }
    }
    if let controls {
      try time { try controls.finish(own.outcomes.keys.sorted()) }
    }
    return outcome(of: round, tally, step: step, norm: norm, learningRate: learningRate)
  }

  /// Elements that a client masks before its tally.
  private var maskedCount: Int { replica.parameters.trainedCount }

  private func weight(of tally: RoundTally, count: Int) -> Double {
    configuration.weighting == .examples ? tally.examples : Double(count)
  }

  /// Nil where nothing is hidden. Collective.
  private func secureExchange(_ step: Int, of clients: [[Int]]) throws -> SecureExchange? {
    guard configuration.secure, !clients.allSatisfy(\.isEmpty) else { return nil }
    return try SecureExchange(
      step, of: clients, communicator: communicator, threads: replica.workspace.threads)
  }

  /// The clients of a round by the ranks that play them, each ascending: the same on all ranks.
  private func clients(ofRound round: Int) -> [[Int]] {
    var clients = [[Int]](repeating: [], count: communicator.size)
    for (place, client) in drawn(round).enumerated() {
      if let player = player(of: client, place: place) { clients[player].append(client) }
    }
    // The sum of fewer would tell too much of each.
    let isTooSmall = configuration.secure && clients.joined().count < SecureLimits.fewestClients
    return isTooSmall ? clients.map { _ in [] } : clients
  }

  /// The rank that plays a client: with control variates always the same one, which keeps the client's. Nil where
  /// no rank has its data.
  private func player(of client: Int, place: Int) -> Int? {
    let ranks = communicator.size
    if controls == nil {
      return task.clients.player(of: client, place: place, ranks: ranks)
    }
    return task.clients.isMissing(client) ? nil : task.clients.keeper(of: client, ranks: ranks)
  }

  private func drawn(_ round: Int) -> [Int] {
    if let privacy {
      return privacy.sampling.samples(ofStep: round, on: replica.workspace.threads)
    }
    let key = DrawPurpose.clients.key(seed: UInt64(plan.seed), number: UInt64(round))
    let order = IndexPermutation(count: configuration.clients, key: key)
    return (0..<configuration.roundSize).map { order[$0] }.sorted()
  }

  // MARK: Clients

  /// Plays clients one after the other, and adds up what they come to.
  ///
  /// - Parameter exchange: Hides what they come to; nil: nothing is hidden.
  private func play(
    _ clients: [Int], round: Int, learningRate: Double, hiding exchange: SecureExchange?
  ) -> PlayedClients {
    defer { replica.bind() }
    var played = PlayedClients()
    for client in clients {
      do {
        guard !dropsOut(client, round: round) else { throw ClientFailure.dropout }
        let outcome = try training.run(
          client, round: round, from: replica.shared.trained, learningRate: learningRate,
          correcting: correction(of: client))
        let distance = Double(outcome.steps) * learningRate
        let scale = try scale(of: outcome, distance: distance)
        exchange?.addMasks(of: client, to: server.words, from: 0)
        server.add(change, scale: scale)
        controls?.record(client, change: change, distance: distance)
        played.add(client, outcome.tally)
        exchange.map { exchange in
          played.withTally { exchange.addMasks(of: client, to: $0, from: maskedCount) }
        }
      } catch {
        played.failures[client] = error
      }
    }
    return played
  }

  private func dropsOut(_ client: Int, round: Int) -> Bool {
    guard configuration.dropout > 0 else { return false }
    let seed = DrawPurpose.dropouts.key(seed: UInt64(plan.seed), number: UInt64(round))
    let word = DrawPurpose.dropouts.key(seed: seed, number: UInt64(client))
    return Double(word >> 11) * 0x1p-53 < configuration.dropout
  }

  private func correction(of client: Int) -> (any GradientCorrection)? {
    if case .fedprox(let keys) = configuration.method {
      return ProximalCorrection(
        mu: Float(keys.mu), start: replica.shared.trained, threads: replica.workspace.threads)
    }
    return controls?.correction(of: client)
  }

  /// What a client's change is multiplied by before it is added up: its weight, or of a private run what shortens it
  /// to the clip.
  ///
  /// - Parameter distance: L η.
  private func scale(of outcome: ClientTraining.Outcome, distance: Double) throws -> Double {
    var scale = configuration.weighting == .examples ? outcome.tally.examples : 1
    if let privacy {
      scale = min(1, privacy.configuration.clip / max(outcome.norm, .leastNormalMagnitude))
    }
    // Sums of all clients are below 2⁶³ units.
    guard abs(outcome.tally.loss) * 0x1p20 * Double(configuration.clients) < 0x1p63 else {
      throw ClientFailure.largeLoss(outcome.tally.loss / max(1, outcome.tally.targetCount))
    }
    let magnitude = Double(outcome.largest) * scale
    guard magnitude * Double(configuration.clients) < 0x1p31 else {
      throw ClientFailure.tooLarge(magnitude: magnitude)
    }
    guard controls != nil, distance > 0 else { return scale }
    // So all cᵢ and c are below half of what a step of theirs may be.
    let control = Double(outcome.largest) / distance
    guard control * Double(configuration.clients) < 0x1p30 else {
      throw ClientFailure.largeControl(magnitude: control)
    }
    return scale
  }

  // MARK: All ranks

  /// Lets all ranks know what came of the clients. Collective.
  private func agree(
    on own: PlayedClients, of members: [Int], step: Int, flag: Int
  ) throws -> FederatedRound {
    var failed = [UInt64](repeating: 0, count: (members.count + 63) / 64)
    for (place, client) in members.enumerated() where own.failures[client] != nil {
      failed[place / 64] |= 1 << (place % 64)
    }
    let gaveUp = own.failures.values.filter { ($0 as? ClientFailure)?.isAccident != true }.count
    let all = try communicator.allGather(
      words: [UInt64(flag), UInt64(gaveUp)] + own.tally + failed)
    let gone = members.indices.filter { place in
      all.contains { $0[2 + own.tally.count + place / 64] >> (place % 64) & 1 != 0 }
    }.map { members[$0] }
    var round = FederatedRound(
      remaining: members.filter { !gone.contains($0) },
      flag: all.reduce(0) { max($0, Int($1[0])) },
      words: own.tally.indices.map { index in all.reduce(0) { $0 &+ $1[2 + index] } },
      hasOnlyFailures: !members.isEmpty && all.reduce(0) { $0 + Int($1[1]) } == members.count)
    if !gone.isEmpty { round.notices = try reasons(own.failures, step: step) }
    return round
  }

  /// Why clients failed, those of them that the user has not been told of before. Collective.
  private func reasons(_ failures: [Int: any Error], step: Int) throws -> [String] {
    let own = failures.filter { $0.value as? ClientFailure != .dropout }
    var notices: [String] = []
    for reasons in try communicator.allGather(value: own.mapValues(reason(of:))) {
      for (client, reason) in reasons.sorted(by: { $0.key < $1.key })
      where told.insert(client).inserted {
        notices.append(
          "client \(client) is left out of round \(step + 1): \(reason)")
      }
    }
    return notices
  }

  /// What is said of a client's failure: where changes are hidden only its kind, for numbers would tell of them.
  private func reason(of failure: any Error) -> String {
    guard configuration.secure else { return "\(failure)" }
    return (failure as? ClientFailure)?.kind
      ?? "its training ended with an error, which is not told because federated.secure is true"
  }

  /// What ends a run whose clients can not train at all: the same error on all ranks, of which one speaks.
  private func failure(
    of round: FederatedRound, _ own: PlayedClients, step: Int
  ) -> AgreedError {
    let first = own.failures.min { $0.key < $1.key }
    return AgreedError(
      AllClientsFailed(
        round: step + 1, notices: round.notices, first: first.map { reason(of: $0.value) }),
      speaks: communicator.isRankZero)
  }

  private func outcome(
    of round: FederatedRound, _ tally: RoundTally, step: Int, norm: Double, learningRate: Double
  ) -> StepOutcome {
    var outcome = StepOutcome(
      step: step + 1, round: tally, gradientNorm: norm, learningRate: learningRate,
      flag: round.flag)
    outcome.clients = round.remaining.count
    outcome.notices = round.notices
    return outcome
  }

  private func skipped(
    _ round: FederatedRound, of members: Int, step: Int, learningRate: Double, least: Int
  ) -> StepOutcome {
    var outcome = outcome(
      of: round, RoundTally(), step: step, norm: 0, learningRate: learningRate)
    outcome.skipped =
      configuration.secure && members == 0
      ? "it has fewer than \(SecureLimits.fewestClients) clients with data, whose sum would tell too much of each"
      : "\(round.remaining.count) clients remained, and it takes \(least)"
        + (least > 1 ? " to take off the others' masks" : "")
    return outcome
  }

  private func time<Result>(_ body: () throws -> Result) rethrows -> Result {
    try ownPhases.timeReduction(over: communicator, body)
  }

  // MARK: - What the trainer asks

  var layout: ParameterLayout { server.layout }
  var phases: StepPhases { ownPhases + training.step.phases }
  var computedMicrobatches: Int { training.step.computedMicrobatches }
  var products: ForwardProducts? { training.step.products }
  var operations: Double { training.step.operations }

  var states: [OptimizerState] { server.states + (controls?.states ?? []) }
  var notes: [String: String] { [:] }
  func resume(from notes: [String: String]) throws {}
  func begin(afterStep step: Int) throws { try controls?.share() }
}

/// What a rank's clients did in a round.
private struct PlayedClients {
  /// Those that remain.
  private(set) var outcomes: [Int: RoundTally] = [:]
  var failures: [Int: any Error] = [:]
  /// The sum of their tallies: examples, loss in units of 2⁻²⁰, targets; with their masks.
  private(set) var tally: [UInt64] = [0, 0, 0]

  mutating func add(_ client: Int, _ own: RoundTally) {
    outcomes[client] = own
    for (index, number) in [own.examples, own.loss * 0x1p20, own.targetCount].enumerated() {
      tally[index] &+= UInt64(bitPattern: Int64(number.rounded()))
    }
  }

  mutating func withTally(_ body: (UnsafeMutableBufferPointer<UInt64>) -> Void) {
    tally.withUnsafeMutableBufferPointer { body($0) }
  }
}

/// A round as all ranks know it.
private struct FederatedRound {
  /// The clients whose changes are in the sum, ascending.
  var remaining: [Int]
  var flag: Int
  /// The sum of their tallies, as of `PlayedClients`.
  var words: [UInt64]
  /// Whether all clients failed, and none by accident.
  let hasOnlyFailures: Bool
  var notices: [String] = []

  /// - Parameter unmask: Takes off masks that are left.
  func tally(unmasking unmask: (UnsafeMutableBufferPointer<UInt64>) -> Void) -> RoundTally {
    guard !remaining.isEmpty else { return RoundTally() }
    var words = words
    words.withUnsafeMutableBufferPointer { unmask($0) }
    let numbers = words.map { Double(Int64(bitPattern: $0)) }
    return RoundTally(
      examples: numbers[0], loss: numbers[1] * 0x1p-20, targetCount: numbers[2])
  }
}
