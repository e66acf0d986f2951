// K clients, N ranks.

import LockstepCommunication
import LockstepKeys
import LockstepNeuralNetworks
import LockstepReporting
import LockstepTensors
import LockstepTraining
import TestSupport
import Testing

/// Clients are the configuration's: neither who plays them nor what hides their changes matters to a bit.
@Suite struct FederatedTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private static let methods = [
    "method: fedavg, server_momentum: 0.5", "method: fedprox, mu: 0.5", "method: fedadam",
    "method: scaffold",
  ]

  private func configuration(
    _ federated: String, optimizer: String = "name: sgd, learning_rate: 0.001", steps: Int = 4,
    schedule: String = "linear", extra: String = ""
  ) throws -> RunConfiguration {
    try RunConfiguration.parse(
      yaml: """
        data: {validation: null}
        batch: {sequences: 2, microbatches: 2}
        steps: \(steps)
        schedule: {name: \(schedule)}
        checkpoint: {every: 0}
        evaluate: {every: 0}
        model: {vocabulary: 10}
        optimizer: {\(optimizer)}
        federated: {clients: 9, partition: {name: even}, \(federated)}
        \(extra)
        """, source: "test")
  }

  private struct Outcome: Sendable {
    let hash: String
    let values: [Float]
    let states: [[Float]]
    let events: [RunEvent]
    let notices: [String]
    let microbatches: Int

    var clients: [Int] {
      events.compactMap { if case .step(let record) = $0 { record.clients } else { nil } }
    }
  }

  /// Nine clients have 1 to 9 of 45 samples.
  ///
  /// - Parameters:
  ///   - spoiled: A client whose loss is no number; nil: none.
  ///   - scale: Of all features.
  ///   - leastSeconds: In which ranks are compared.
  private func train(
    _ configuration: RunConfiguration, ranks: Int = 1, ranksPerHost: Int? = nil, threads: Int = 1,
    pause: Int? = nil, spoiled: Int? = nil, scale: Float = 1, leastSeconds: Double = 5,
    directory: RunDirectory? = nil, start: Trainer.Start = .beginning
  ) throws -> [Outcome] {
    let partition = (0..<9).map { client in
      Array(client * (client + 1) / 2..<(client + 1) * (client + 2) / 2)
    }
    return try InProcessGroup(size: ranks, ranksPerHost: ranksPerHost).run { communicator in
      let samples = SampledRegression(
        sampleCount: 45, spoiling: spoiled.map { partition[$0] } ?? [], scale: scale)
      let trainer = try Trainer(
        task: FederatedTask(of: samples, partition: partition, plan: configuration.plan),
        configuration: configuration, communicator: communicator,
        workspace: Workspace(threadCount: threads), directory: directory, start: start,
        observers: [])
      let events = EventRecorder()
      trainer.attach(events)
      trainer.stragglers.leastSeconds = leastSeconds
      _ = try trainer.run(pausing: { step, _ in step == pause })
      return Outcome(
        hash: trainer.parametersHash, values: Array(trainer.replica.shared.values),
        states: trainer.step.states.map { Array($0.values) },
        events: events.events, notices: events.names.filter { $0.hasPrefix("notice") },
        microbatches: trainer.step.computedMicrobatches)
    }
  }

  @Test(arguments: methods) func bitsDoNotDependOnWhoPlaysTheClients(method: String) throws {
    let configuration = try configuration(
      "\(method), clients_a_round: 5, local_epochs: 2", steps: 3)
    let alone = try train(configuration)[0].hash
    for (ranks, ranksPerHost, threads) in [(2, 1, 1), (3, 3, 2), (4, 2, 1), (9, 4, 1)] {
      let hashes = try train(
        configuration, ranks: ranks, ranksPerHost: ranksPerHost, threads: threads
      ).map(\.hash)
      #expect(hashes == Array(repeating: alone, count: ranks), "\(ranks), \(ranksPerHost)")
    }
  }

  @Test(arguments: methods) func methodsDiffer(method: String) throws {
    let others = try Self.methods.filter { $0 != method }.map {
      try train(try configuration("\($0), local_steps: 3"))[0].hash
    }
    #expect(try !others.contains(train(try configuration("\(method), local_steps: 3"))[0].hash))
  }

  @Test(arguments: [0, 0.2, 0.4], ["fedavg", "fedadam"])
  func masksChangeNoBitWhoeverIsGone(dropout: Double, method: String) throws {
    // Of this seed's rounds none is left with fewer than five clients, which would be skipped.
    let seed = "seed: 5"
    let federated = "method: \(method), local_steps: 2, dropout: \(dropout)"
    let plain = try train(try configuration(federated, steps: 3, extra: seed))[0]
    #expect(plain.clients.allSatisfy { $0 >= 5 }, "\(plain.clients)")
    #expect(plain.clients.contains { $0 < 9 } == (dropout > 0))
    for (ranks, ranksPerHost) in [(1, 1), (3, 2)] {
      let hidden = try train(
        try configuration(federated + ", secure: true", steps: 3, extra: seed), ranks: ranks,
        ranksPerHost: ranksPerHost)
      #expect(hidden.allSatisfy { $0.hash == plain.hash })
      #expect(hidden[0].clients == plain.clients)
      // The losses of clients are hidden likewise, and their sum is the same.
      #expect(losses(hidden[0]) == losses(plain))
    }
  }

  private func losses(_ outcome: Outcome) -> [Double] {
    outcome.events.compactMap { if case .step(let record) = $0 { record.loss } else { nil } }
  }

  @Test func aRoundThatTooFewRemainOfChangesNothing() throws {
    let outcome = try train(
      try configuration("local_steps: 1, dropout: 0.9, secure: true", steps: 1))[0]
    let begin = try train(try configuration("local_steps: 1", steps: 1, extra: ""), pause: 0)[0]
    #expect(outcome.clients[0] < 5)
    #expect(outcome.values == begin.values)
    #expect(
      outcome.notices.contains { $0.contains("clients remained, and it takes 5 to take off") },
      "\(outcome.notices)")
  }

  /// With two, each would know the other's change.
  @Test func twoOfThreeClientsAreTooFewForASum() throws {
    let federated = "local_steps: 1, clients_a_round: 3, dropout: 0.3"
    func round(_ seed: Int, _ further: String = "", pause: Int? = nil) throws -> Outcome {
      try train(
        configuration(federated + further, steps: 1, extra: "seed: \(seed)"), pause: pause)[0]
    }
    let seed = try #require(try (1...20).first { try round($0).clients == [2] })
    let outcome = try round(seed, ", secure: true")
    #expect(outcome.clients == [2])
    #expect(try outcome.values == round(seed, ", secure: true", pause: 0).values)
    #expect(
      outcome.notices.contains { $0.contains("2 clients remained, and it takes 3 to take off") },
      "\(outcome.notices)")
  }

  @Test(arguments: ["fedavg", "fedprox, mu: 0.5"])
  func aRateOfZeroChangesNothing(method: String) throws {
    let configuration = try configuration(
      "method: \(method), local_steps: 2", optimizer: "name: sgd, learning_rate: 0", steps: 1)
    let begin = try train(configuration, pause: 0)[0]
    let outcome = try train(configuration, ranks: 2)[0]
    #expect(outcome.clients == [9])
    #expect(outcome.hash == begin.hash)
  }

  @Test func aClientThatFailsIsLeftOutAndNamed() throws {
    let configuration = try configuration("local_steps: 2", steps: 2)
    let whole = try train(configuration)[0]
    for ranks in [1, 3] {
      let outcome = try train(configuration, ranks: ranks, spoiled: 4)[0]
      #expect(outcome.clients == [8, 8])
      #expect(outcome.hash != whole.hash)
      let named = outcome.notices.filter { $0.contains("client 4 is left out of round 1") }
      #expect(named.count == 1 && named[0].contains("not a finite number"), "\(outcome.notices)")
    }
    let hashes = try [1, 3].map { try train(configuration, ranks: $0, spoiled: 4)[0].hash }
    #expect(hashes[0] == hashes[1])
  }

  /// A change that is too large, and a loss that is: each has a number, which tells of one client.
  @Test(arguments: [("learning_rate: 1e12", Float(1)), ("learning_rate: 1e-30", 1e9)])
  func ofAClientThatHidesItsChangeNoNumberIsTold(rate: String, scale: Float) throws {
    func reason(_ secure: Bool) throws -> String {
      let configuration = try configuration(
        "local_steps: 1, secure: \(secure)", optimizer: "name: sgd, \(rate)", steps: 1)
      let error = #expect(throws: (any Error).self) { try train(configuration, scale: scale) }
      let text = "\(try #require(error))"
      return String(text[(try #require(text.range(of: "left out of round 1: "))).upperBound...])
    }
    let (open, hidden) = (try reason(false), try reason(true))
    #expect(open.contains(/\d/) && open.contains("too large"), "\(open)")
    #expect(!hidden.contains(/\d/) && hidden.contains("too large"), "\(hidden)")
  }

  @Test(arguments: ["polynomial", "warmup-stable-decay"])
  func aRoundWithoutALearningRateLeavesControlVariatesAlone(schedule: String) throws {
    let configuration = try configuration("method: scaffold, local_steps: 2", schedule: schedule)
    let before = try train(configuration, pause: 3)[0].states
    let after = try train(configuration)[0]
    let rates = after.events.compactMap {
      if case .step(let record) = $0 { record.learningRate } else { nil }
    }
    #expect(rates.last == 0)
    #expect(before.contains { $0.contains { $0 != 0 } })
    #expect(zip(before, after.states).allSatisfy { $0 == $1 } && before.count == after.states.count)
  }

  @Test func aControlVariateThatIsTooLargeForTheSumIsLeftOut() throws {
    let configuration = try configuration(
      "method: scaffold, local_steps: 1",
      optimizer: "name: sgd, learning_rate: 1e-9, clip_norm: 0", steps: 1)
    let error = #expect(throws: (any Error).self) { try train(configuration, scale: 3e5) }
    #expect("\(error as Any)".contains("too large for scaffold"), "\(error as Any)")
  }

  @Test func aRunWhoseClientsAllFailEnds() throws {
    for ranks in [1, 3] {
      let error = #expect(throws: (any Error).self) {
        try train(
          try configuration("local_steps: 9", optimizer: "name: sgd, learning_rate: 1e6"),
          ranks: ranks)
      }
      #expect("\(error as Any)".contains("every client failed"), "\(error as Any)")
    }
  }

  @Test func aClientThatComesLateIsLeftOut() throws {
    let outcome = try train(
      try configuration("local_steps: 2, deadline: 1e-9", steps: 1))[0]
    #expect(outcome.clients == [0])
    #expect(outcome.notices.contains { $0.contains("1 of 2 local steps") }, "\(outcome.notices)")
  }

  @Test func aRankCountsTheMicrobatchesOfTheClientsThatItPlays() throws {
    let outcomes = try train(try configuration("local_steps: 3, clients_a_round: 5"), ranks: 3)
    // Four rounds, each of three local steps of two micro-batches: 2, 2 and 1 clients.
    #expect(outcomes.map(\.microbatches) == [48, 48, 24])
  }

  @Test func ranksThatPlayNoClientAreNoReasonForANotice() throws {
    let configuration = try configuration("local_steps: 1, clients_a_round: 1", steps: 100)
    let outcomes = try train(configuration, ranks: 2, leastSeconds: 0)
    #expect(outcomes.map(\.microbatches) == [200, 0])
    #expect(outcomes.flatMap(\.notices) == [])
  }

  @Test(arguments: methods) func aResumedRunGoesOnToTheSameBits(method: String) throws {
    let configuration = try configuration("\(method), local_steps: 2, clients_a_round: 6")
    let whole = try train(configuration)[0].hash
    let directory = RunDirectory(path: folder.path + "/run")
    _ = try train(configuration, ranks: 2, pause: 2, directory: directory)
    let resumed = try train(
      configuration, ranks: 3, ranksPerHost: 2, directory: directory, start: .newestCheckpoint)
    #expect(resumed.allSatisfy { $0.hash == whole })
  }

  @Test func anotherOptimizerThanSGDBeginsAnewInEachRound() throws {
    // With one client and one round after another, an optimiser that remembered would go elsewhere.
    let optimizers = [
      "name: adamw", "name: adagrad, initial_sum: 0.1", "name: nadam", "name: muon",
    ]
    for optimizer in optimizers {
      let configuration = try configuration("local_steps: 2", optimizer: optimizer, steps: 2)
      let hashes = try [1, 4].map { try train(configuration, ranks: $0)[0].hash }
      #expect(hashes[0] == hashes[1], "\(optimizer)")
    }
  }

  // MARK: Privacy of clients

  private func privateRun(
    _ privacy: String, federated: String = "clients_a_round: 4", ranks: Int = 1, steps: Int = 2
  ) throws -> Outcome {
    let key = folder.path + "/key"
    if (try? SecretKey.random().write(to: key)) == nil {}
    return try train(
      try configuration(
        "local_steps: 2, weighting: uniform, \(federated)", steps: steps,
        extra: "privacy: {\(privacy), delta: 1e-3, key_file: \(key)}"), ranks: ranks)[0]
  }

  @Test func bitsOfPrivateRoundsDoNotDependOnTheRanks() throws {
    let alone = try privateRun("noise: 0.5, clip: 0.1", steps: 6)
    #expect(try privateRun("noise: 0.5, clip: 0.1", ranks: 3, steps: 6).hash == alone.hash)
    // Each client is drawn by itself.
    #expect(Set(alone.clients).count > 1)
  }

  @Test func changesOfClientsAreShortenedToTheClip() throws {
    let begin = try train(try configuration("local_steps: 1", steps: 1), pause: 0)[0].values
    func distance(clip: Double) throws -> (Double, clients: Int) {
      let outcome = try privateRun("noise: 0.01, clip: \(clip)", steps: 1)
      let squares = zip(outcome.values, begin).reduce(0.0) {
        let difference = Double($1.0) - Double($1.1)
        return $0 + difference * difference
      }
      return (squares.squareRoot(), outcome.clients[0])
    }
    let clip = 1e-3
    let (found, clients) = try distance(clip: clip)
    // The noise of 250,000 elements has norm 0.01 · clip · √250,000, over 4 clients on the average.
    let noise = 0.01 * clip * 500 / 4
    #expect(found <= clip * Double(clients) / 4 + 1.1 * noise)
    #expect(try distance(clip: 2 * clip).0 > 1.5 * found)
  }
}
