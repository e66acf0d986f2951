// P parameters, M micro-batches, N ranks, C clip, σ noise multiplier.

import Foundation
import LockstepCommunication
import LockstepDatasets
import LockstepKeys
import LockstepNeuralNetworks
import LockstepPrivacy
import LockstepReporting
import LockstepTensors
import LockstepTraining
import TestSupport
import Testing

/// A private run is a function of its key and configuration, whoever computes it, and adds exactly the noise and
/// the clipped gradients that it should.
@Suite struct PrivateTrainingTests {
  private let folder: TemporaryFolder
  private let key: String

  init() throws {
    folder = try TemporaryFolder()
    key = folder.path + "/key"
    try SecretKey.random().write(to: key)
  }

  private func configuration(
    privacy: String = "noise: 0.5, clip: 2", optimizer: String = "name: adamw", steps: Int = 6,
    sequences: Int = 2, key other: String? = nil
  ) throws -> RunConfiguration {
    try RunConfiguration.parse(
      yaml: """
        data: {validation: null}
        batch: {sequences: \(sequences), microbatches: 5}
        steps: \(steps)
        schedule: {name: constant}
        checkpoint: {every: 0}
        evaluate: {every: 0}
        model: {vocabulary: 10}
        optimizer: {\(optimizer)}
        privacy: {\(privacy), delta: 1e-4, key_file: \(other ?? key)}
        """, source: "test")
  }

  private struct Outcome: Sendable {
    let hash: String
    let values: [Float]
    let events: [RunEvent]
    let names: [String]
    let code: LockstepTraining.ExitCode
  }

  private func train(
    _ configuration: RunConfiguration, samples: Int = 40, ranks: Int = 1,
    ranksPerHost: Int? = nil, threads: Int = 1, pause: Int? = nil, freezing: Bool = false,
    hasNorm: Bool = false, targetCounts: [Int]? = nil, dropout: Float = 0,
    directory: RunDirectory? = nil, start: Trainer.Start = .beginning
  ) throws -> [Outcome] {
    try InProcessGroup(size: ranks, ranksPerHost: ranksPerHost).run { communicator in
      let task = SampledRegression(
        sampleCount: samples, hasNorm: hasNorm, targetCounts: targetCounts, dropout: dropout)
      if freezing { task.network.deep.second.weight.freeze() }
      let trainer = try Trainer(
        task: task, configuration: configuration, communicator: communicator,
        workspace: Workspace(threadCount: threads), directory: directory, start: start,
        observers: [])
      let events = EventRecorder()
      trainer.attach(events)
      let code = try trainer.run(pausing: { step, _ in step == pause })
      return Outcome(
        hash: trainer.parametersHash, values: Array(trainer.replica.shared.values),
        events: events.events, names: events.names, code: code)
    }
  }

  @Test(arguments: [false, true]) func bitsDoNotDependOnRanksOrThreads(hasNorm: Bool) throws {
    let configuration = try configuration(steps: 3)
    let one = try train(configuration, hasNorm: hasNorm)[0]
    let alone = one.hash
    #expect(one.names.contains { $0.contains(hasNorm ? "one by one" : "in batches of up to 2") })
    for (ranks, ranksPerHost, threads) in [(2, 2, 1), (2, 1, 2), (3, 2, 1), (5, 5, 1)] {
      let hashes = try train(
        configuration, ranks: ranks, ranksPerHost: ranksPerHost, threads: threads,
        hasNorm: hasNorm)
      #expect(hashes.allSatisfy { $0.hash == alone }, "\(ranks) ranks of \(threads) threads")
    }
  }

  /// As conversations have: some samples together may have as many targets as there are samples.
  @Test(arguments: [[0, 2], [1, 1, 3], [1]])
  func samplesOfOtherNumbersOfTargetsAreComputedOneByOne(targetCounts: [Int]) throws {
    let configuration = try configuration(steps: 3)
    let one = try train(configuration, targetCounts: targetCounts)[0]
    for ranks in 2...5 {
      let outcomes = try train(configuration, ranks: ranks, targetCounts: targetCounts)
      #expect(outcomes.allSatisfy { $0.hash == one.hash }, "\(ranks) ranks")
    }
    #expect(one.names.contains { $0.contains("one by one") }, "\(one.names)")
    #expect(!one.names.contains { $0.contains("in batches") })
  }

  @Test func theBuiltInTasksSayWhetherSamplesHaveOneTarget() throws {
    let (tokens, table) = (folder.path + "/train.bin", folder.path + "/train.csv")
    let writer = try TokenFileWriter(path: tokens, vocabularyCount: 9)
    try writer.append((0..<100).map { Int32($0 % 9) })
    try writer.finish()
    let rows = (0..<20).map { "\($0),\($0 % 2)\n" }.joined()
    try Data(("x,y\n" + rows).utf8).write(to: URL(fileURLWithPath: table))
    func hasOneTargetEach(_ settings: [String]) throws -> Bool? {
      let configuration = try RunConfiguration.parse(
        yaml: "{}", source: "test", overrides: settings + ["data.validation=null"])
      let task = try configuration.prepareTask(SoloCommunicator()).task
      return (task as? any SampledTask)?.hasOneTargetEach
    }
    for (context, isOne) in [(8, false), (1, true)] {
      let model = "model={architecture: gpt, layers: 1, heads: 1, width: 8, context: \(context)}"
      #expect(
        try hasOneTargetEach([
          "data.train=\(tokens)", "data.tokenizer=null", model, "model.vocabulary=9",
        ])
          == isOne)
    }
    for task in ["classification", "regression"] {
      #expect(
        try hasOneTargetEach([
          "task=\(task)", "data={format: csv, train: \(table), target: y}",
          "model.architecture=mlp",
        ]) == true)
    }
  }

  /// The norm of a sample's gradient is not that of its part in a sum of rounded ones.
  @Test func whereProductsRoundSamplesAreComputedOneByOne() throws {
    var configuration = try configuration(steps: 1)
    configuration.precision = .bfloat16
    let names = try train(configuration)[0].names
    #expect(names.contains { $0.contains("one by one") }, "\(names)")
  }

  @Test(arguments: [1, 4]) func aResumedRunGoesOnWithTheSameNoise(pause: Int) throws {
    let configuration = try configuration()
    let whole = try train(configuration)[0].hash
    let directory = RunDirectory(path: folder.path + "/run\(pause)")
    let paused = try train(configuration, ranks: 3, pause: pause, directory: directory)
    let resumed = try train(
      configuration, ranks: 2, directory: directory, start: .newestCheckpoint)
    #expect(resumed[0].hash == whole)
    #expect(paused[0].hash != whole)
  }

  @Test func anotherKeyIsAnotherTraining() throws {
    let other = folder.path + "/other"
    try SecretKey.random().write(to: other)
    let hashes = try [key, other].map { try train(configuration(key: $0))[0].hash }
    #expect(hashes[0] != hashes[1])
    // A key has other noise for another configuration: else the difference of two runs would be without any.
    let noise = try ["adamw", "adam"].map {
      try train(configuration(privacy: "noise: 1000", optimizer: "name: \($0)", steps: 1))[0].values
    }
    let same = zip(noise[0], noise[1]).filter { ($0 - $1).magnitude < 1e-7 }.count
    #expect(same < noise[0].count * 6 / 10)
  }

  /// The tokenizer decides what is learned from the same files; where they are does not.
  @Test func anotherTokenizerIsAnotherTraining() throws {
    func key(tokenizer: String, path: String = "a.csv") throws -> [UInt8]? {
      let record = """
        {"files": [{"key": "data.train", "path": "\(path)", "content": {"bytes": 3, "sha256": "ab", "sampled": false}}],
         "tokenizer": {"sha256": "\(tokenizer)", "tokens": 5, "added": []}}
        """
      return try configuration().derivedKey(
        data: JSONDecoder().decode(DataRecord.self, from: Data(record.utf8)))?.bytes
    }
    #expect(try key(tokenizer: "01") != key(tokenizer: "02"))
    #expect(try key(tokenizer: "01") == key(tokenizer: "01", path: "b.csv"))
  }

  @Test func aRunThatGoesOnWithOtherDrawsSaysSo() throws {
    let directory = RunDirectory(path: folder.path + "/run")
    let configuration = try configuration()
    _ = try train(configuration, pause: 2, directory: directory)
    let own = try #require(try configuration.derivedKey())
    let fingerprint = try PrivacyKey(readFrom: key, forRunIn: nil).fingerprint
    for (drawing, pause, isSaid) in [
      (own, 3, false), (PrivacyKey(bytes: own.bytes.reversed()), 4, true),
    ] {
      let trainer = try Trainer(
        task: SampledRegression(sampleCount: 40), configuration: configuration,
        communicator: SoloCommunicator(), directory: directory, start: .newestCheckpoint,
        memory: nil,
        privacy: PrivacySession(key: drawing, fingerprint: fingerprint, path: key))
      let events = EventRecorder()
      trainer.attach(events)
      _ = try trainer.run(pausing: { step, _ in step == pause })
      #expect(events.names.contains { $0.contains("other samples and other noise") } == isSaid)
    }
  }

  @Test func aRunDoesNotGoOnWithAnotherNumberOfSamples() throws {
    let directory = RunDirectory(path: folder.path + "/run")
    _ = try train(configuration(), pause: 2, directory: directory)
    let error = #expect(throws: AgreedError.self) {
      try train(
        configuration(), samples: 41, ranks: 2, directory: directory, start: .newestCheckpoint)
    }
    #expect("\(try #require(error))".contains("drew each sample with probability 0.25"))
  }

  @Test(arguments: ["noise: 1", "epsilon: 1"])
  func stepsWhoseRoundingExceedsDeltaAreRefused(privacy: String) throws {
    let configuration = try RunConfiguration.parse(
      yaml: "{}", source: "test",
      overrides: [
        "data.validation=null", "steps=1000000", "batch.sequences=10", "batch.microbatches=1",
        "privacy={\(privacy), delta: 1e-10, key_file: '\(key)'}",
      ])
    let error = #expect(throws: AgreedError.self) { try train(configuration, pause: 1) }
    #expect("\(try #require(error))".contains("set privacy.accountant: rdp, or a larger delta"))
  }

  @Test func aRunDoesNotGoOnUnderAnotherKey() throws {
    let other = folder.path + "/other"
    try SecretKey.random().write(to: other)
    let directory = RunDirectory(path: folder.path + "/run")
    _ = try train(configuration(), ranks: 2, pause: 2, directory: directory)
    let error = #expect(throws: AgreedError.self) {
      try train(
        configuration(key: other), ranks: 2, directory: directory, start: .newestCheckpoint)
    }
    #expect("\(try #require(error))".contains("another key"))
  }

  /// One step of gradient descent at rate 1 moves the parameters by minus the noisy mean. What dropout leaves out of a
  /// sample does not depend on which others are drawn.
  @Test(arguments: [false, true], [(false, Float(0)), (true, 0), (false, 0.5), (true, 0.5)])
  func aStepIsTheMeanOfClippedGradientsWithNoise(
    freezing: Bool, network: (hasNorm: Bool, dropout: Float)
  ) throws {
    let (hasNorm, dropout) = network
    let (sigma, samples, expected) = (0.01, 40, 10.0)
    // By hand: gradients of batches of one.
    let task = SampledRegression(sampleCount: samples, hasNorm: hasNorm, dropout: dropout)
    if freezing { task.network.deep.second.weight.freeze() }
    let workspace = Workspace(threadCount: 1)
    let communicator = SoloCommunicator()
    let replica = try Replica(of: task.network, communicator: communicator, workspace: workspace)
    try replica.initialize(seed: UInt64(Plan().seed), communicator: communicator)
    let count = replica.parameters.trainedCount
    let before = Array(replica.shared.values)
    workspace.isTraining = true
    let gradients = (0..<samples).map { sample in
      let memory = FloatMemory(count: count)
      workspace.seekRandom(seed: UInt64(Plan().seed), step: 0, microbatch: sample)
      replica.parameters.beginGradient(into: memory)
      task.loss(ofSamples: [sample], step: 0, in: workspace).sum.backward()
      replica.parameters.finishGradient()
      return memory.elements.map(Double.init)
    }
    let norms = gradients.map { $0.reduce(0) { $0 + $1 * $1 }.squareRoot() }
    let clip = norms.sorted()[samples / 2]

    // The same key at every time: the draws below are those of one.
    try Data((0..<32).map { UInt8($0) }).write(to: URL(fileURLWithPath: key))
    let configuration = try configuration(
      privacy: "noise: \(sigma), clip: \(clip)",
      optimizer: "name: sgd, learning_rate: 1, clip_norm: 0", steps: 1)
    let outcome = try train(
      configuration, samples: samples, ranks: 2, freezing: freezing, hasNorm: hasNorm,
      dropout: dropout)[0]
    let moved = outcome.values
    let isOneByOne = outcome.names.contains { $0.contains("one by one") }
    #expect(isOneByOne == (hasNorm || dropout > 0), "\(outcome.names)")
    let keys = try #require(try configuration.derivedKey())
    let drawn = try PoissonSampling(
      sampleCount: samples, expectedCount: Int(expected), keystream: keys.keystream
    ).samples(ofStep: 0, on: workspace.threads)
    let clipped = drawn.count { norms[$0] > clip }
    #expect(clipped > 0 && clipped < drawn.count, "\(clipped) of \(drawn.count) are clipped")
    var sum = [Double](repeating: 0, count: count)
    for sample in drawn {
      let factor = min(1, clip / norms[sample])
      for index in 0..<count { sum[index] += gradients[sample][index] * factor }
    }
    var noise = [Float](repeating: 0, count: count)
    noise.withUnsafeMutableBufferPointer {
      GaussianNoise(deviation: sigma * clip, keystream: keys.keystream).add(
        to: $0, from: 0, step: 0, on: workspace.threads)
    }
    // Padding has none.
    let ranges = replica.parameters.entries.map(\.range)
    let worst =
      (0..<count).map { (index: Int) -> Double in
        let own = ranges.contains { $0.contains(index) } ? Double(noise[index]) : 0
        let step = (sum[index] + own) / expected
        return abs(Double(before[index]) - step - Double(moved[index]))
      }.max() ?? 1
    #expect(worst < 2e-6)
    #expect(before[count...] == moved[count...])
  }

  /// With one sample of 400 a step, two of three steps have none.
  @Test func stepsWithoutSamplesAreNoiseAlone() throws {
    let configuration = try configuration(
      privacy: "noise: 1, clip: 2", optimizer: "name: sgd, learning_rate: 1, clip_norm: 0",
      steps: 12, sequences: 1)
    let runs = try [1, 3].map { try train(configuration, samples: 5000, ranks: $0)[0] }
    #expect(runs[0].hash == runs[1].hash)
    let steps = runs[0].events.compactMap {
      if case .step(let record) = $0 { record } else { nil }
    }
    #expect(steps.count == 12)
    let empty = steps.indices.filter {
      steps[$0].tokens == ($0 > 0 ? steps[$0 - 1].tokens : 0)
    }
    #expect(empty.allSatisfy { steps[$0].loss == 0 && steps[$0].gradientNorm > 0 })
  }

  @Test func theBudgetEndsARunAndItIsComplete() throws {
    let configuration = try configuration(privacy: "noise: 1, epsilon: 6", steps: 400)
    let directory = RunDirectory(path: folder.path + "/run")
    let run = try train(configuration, ranks: 2, directory: directory)[0]
    #expect(run.code == .success)
    let steps = run.events.compactMap {
      if case .step(let record) = $0 { record } else { nil }
    }
    let last = try #require(steps.last)
    let accountant = AccountantName.prv.accountant(of: SubsampledGaussian(rate: 0.25, noise: 1))
    let allowed = steps.count
    #expect(last.step == allowed && allowed < 400)
    #expect(accountant.epsilon(afterSteps: allowed, delta: 1e-4) <= 6)
    #expect(accountant.epsilon(afterSteps: allowed + 1, delta: 1e-4) > 6)
    #expect(steps.allSatisfy { $0.epsilon ?? 7 <= 6 })
    for step in steps {
      #expect(
        try #require(step.epsilon)
          >= accountant.epsilon(afterSteps: step.step, delta: 1e-4) - 1e-9)
    }
    #expect(run.names.contains { $0.contains("another step would cost more") })
    guard case .finished(let summary)? = run.events.last else {
      Issue.record("the run has no summary")
      return
    }
    #expect(summary.privacy?.epsilon == accountant.epsilon(afterSteps: allowed, delta: 1e-4))
    #expect(summary.steps == allowed)
    let resumed = try train(configuration, directory: directory, start: .newestCheckpoint)[0]
    #expect(resumed.hash == run.hash)
  }

  @Test func aBudgetWithoutAStepIsRefused() throws {
    let error = #expect(throws: AgreedError.self) {
      try train(configuration(privacy: "noise: 0.5, epsilon: 0.01"), ranks: 2)
    }
    #expect("\(try #require(error))".contains("the first step alone costs"))
  }

  @Test func noiseIsFoundForAllSteps() throws {
    let run = try train(configuration(privacy: "epsilon: 3", steps: 20))[0]
    guard case .finished(let summary)? = run.events.last, let privacy = summary.privacy
    else {
      Issue.record("the run has no summary of its privacy")
      return
    }
    #expect(summary.steps == 20)
    #expect(privacy.epsilon <= 3 && privacy.epsilon > 2.99)
  }

  @Test func aTaskThatCanNotTellItsSamplesApartIsRefused() throws {
    let configuration = try configuration()
    let error = #expect(throws: AgreedError.self) {
      try Trainer(
        task: LinearRegression(), configuration: configuration, communicator: SoloCommunicator(),
        observers: [])
    }
    #expect("\(try #require(error))".contains("can not tell its samples apart"))
  }

  @Test func aDeltaThatPromisesNothingIsRefused() throws {
    let error = #expect(throws: AgreedError.self) {
      try train(configuration(), samples: 10_000)
    }
    #expect("\(try #require(error))".contains("is not below 1 / 10000"))
  }

  @Test func memoryIsSteadyWhateverIsDrawn() throws {
    let configuration = try configuration(steps: 30)
    let task = SampledRegression(sampleCount: 40)
    let workspace = Workspace(threadCount: 2)
    let trainer = try Trainer(
      task: task, configuration: configuration, communicator: SoloCommunicator(),
      workspace: workspace, observers: [])
    let counts = try (0..<30).map { step in
      _ = try trainer.step.run(step: step)
      return workspace.pool.allocationCount
    }
    #expect(counts[3...].allSatisfy { $0 == counts[3] })
    #expect(workspace.pool.lentCount == 0)
  }
}
