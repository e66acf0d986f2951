import Foundation
import LockstepCommunication
import LockstepReporting
import LockstepSettings
import LockstepTensors
import LockstepTraining
import TestSupport
import Testing

/// The state of a step lies in the memory of hosts: what is lost costs the steps since then.
@Suite struct SnapshotTests {
  /// Methods by slices, by whole tensors, and by vectors with notes, with an average and the best weights.
  private static let methods = [
    "name: adamw", "name: muon", "name: lbfgs, history: 3, clip_norm: 0, learning_rate: 0.1",
  ]

  private func configuration(
    _ optimizer: String = "name: adamw", every: Int = 2, extra: String = ""
  ) throws -> RunConfiguration {
    try RunConfiguration.parse(
      yaml: """
        data: {validation: null}
        batch: {microbatches: 5}
        steps: 8
        schedule: {name: constant}
        checkpoint: {every: 0}
        evaluate: {every: 0}
        snapshot: {every: \(every)}
        model: {vocabulary: 10}
        optimizer: {\(optimizer)}
        \(extra)
        """, source: "test")
  }

  /// What a host keeps, and the ranks that it has.
  private struct Host: Sendable {
    let mark = "test-\(UUID().uuidString)"
    let keeper: Box

    final class Box: @unchecked Sendable {
      // Sendable: ranks ask it over its socket.
      let keeper: MemoryKeeper?
      init(mark: String) { keeper = MemoryKeeper(mark: mark) }
    }

    init() { keeper = Box(mark: mark) }

    var summaries: [ShardSummary] { keeper.keeper?.summaries ?? [] }
  }

  private struct Ending: Sendable {
    let begin: Int
    let end: Int
    let hash: String
    let notices: [String]
  }

  /// Trains on hosts of so many ranks each, until a step.
  private func train(
    _ configuration: RunConfiguration, on hosts: [Host], ranksPerHost: Int = 1, until last: Int = 8,
    directory: RunDirectory? = nil, start: Trainer.Start = .newestCheckpoint
  ) throws -> Ending {
    let marks = hosts.map(\.mark)
    let group = try InProcessGroup(size: hosts.count * ranksPerHost, ranksPerHost: ranksPerHost)
    return try group.run { communicator in
      let recorder = EventRecorder()
      let trainer = try Trainer(
        task: DeepRegression(isFullBatch: configuration.optimizer.method.variantName == "lbfgs"),
        configuration: configuration, communicator: communicator,
        workspace: Workspace(threadCount: 1), directory: directory, start: start,
        memory: KeeperClient(mark: marks[communicator.topology.hostIndex]))
      trainer.attach(recorder)
      let begin = trainer.stepsTaken
      _ = try trainer.run { step, _ in step == last && last < 8 }
      return Ending(
        begin: begin, end: trainer.stepsTaken, hash: trainer.parametersHash,
        notices: recorder.names)
    }[0]
  }

  private func undisturbed(_ configuration: RunConfiguration) throws -> String {
    try train(configuration, on: [Host()], start: .beginning).hash
  }

  @Test(arguments: methods)
  func aRunThatLosesAHostGoesOnFromTheMemoryOfTheOthers(optimizer: String) throws {
    let configuration = try configuration(
      optimizer, extra: "average: {name: exponential, decay: 0.9}")
    let expected = try undisturbed(configuration)
    let hosts = [Host(), Host(), Host()]
    // Two snapshots, of steps 2 and 4.
    #expect(try train(configuration, on: hosts, until: 5, start: .beginning).end == 5)
    #expect(hosts.allSatisfy { $0.summaries.count == 4 })
    // On two of them, on two ranks each; then a third, new one takes part.
    let fewer = try train(configuration, on: [hosts[0], hosts[2]], ranksPerHost: 2, until: 7)
    #expect(fewer.begin == 4 && fewer.end == 7)
    let more = try train(configuration, on: [hosts[0], Host(), hosts[2]])
    #expect(more.begin == 6 && more.end == 8)
    #expect(more.hash == expected, "\(optimizer)")
  }

  @Test(arguments: ["nesterov", "sparseloco"])
  func workersThatLoseAHostGoOnFromTheMemoryOfTheOthers(outer: String) throws {
    // Of step 4, at which all workers have the same parameters, and of step 6, at which none have.
    let configuration = try configuration(
      extra: "synchronize: {every: 4, workers: 5, outer: {name: \(outer)}}")
    let expected = try undisturbed(configuration)
    let hosts = [Host(), Host(), Host()]
    #expect(try train(configuration, on: hosts, until: 5, start: .beginning).end == 5)
    let fewer = try train(configuration, on: [hosts[0], hosts[2]], ranksPerHost: 2, until: 7)
    #expect(fewer.begin == 4 && fewer.end == 7)
    let more = try train(configuration, on: [hosts[0], Host(), hosts[2]])
    #expect(more.begin == 6 && more.end == 8)
    #expect(more.hash == expected)
  }

  @Test func aSnapshotOfWhichAPartIsMissingIsNotTaken() throws {
    let configuration = try configuration()
    let hosts = [Host(), Host(), Host()]
    _ = try train(configuration, on: hosts, until: 5, start: .beginning)
    // The state of the first host's ranks is on the first and the second only.
    let rest = try train(configuration, on: [hosts[2], Host()])
    #expect(rest.begin == 0)
    #expect(try rest.hash == undisturbed(configuration))
  }

  @Test func aSnapshotThatIsNotCompleteEverywhereGivesWayToTheOneBeforeIt() throws {
    let configuration = try configuration()
    let hosts = [Host(), Host()]
    _ = try train(configuration, on: hosts, until: 5, start: .beginning)
    // The second host's part of step 4 never became complete, neither there nor on the first.
    for host in hosts {
      for segment in try KeeperClient(mark: host.mark).list() {
        let shard = SnapshotShard(segment.memory)
        if shard.summary?.step == 4, shard.summary?.rank == 1 { shard.invalidate() }
      }
    }
    let rest = try train(configuration, on: hosts)
    #expect(rest.begin == 2)
    #expect(try rest.hash == undisturbed(configuration))
  }

  @Test func aSnapshotOfAnotherRunIsNotTaken() throws {
    let host = Host()
    _ = try train(configuration(), on: [host], until: 5, start: .beginning)
    let other = try configuration("name: adamw, learning_rate: 0.5")
    let run = try train(other, on: [host], until: 1)
    #expect(run.begin == 0)
    // Nor is its memory held any longer.
    #expect(host.summaries.isEmpty)
  }

  @Test func theNewerOfSnapshotAndCheckpointIsTaken() throws {
    let folder = try TemporaryFolder()
    let directory = RunDirectory(path: folder.path)
    let configuration = try configuration()
    let hosts = [Host(), Host()]
    // Saved at step 5, which is newer than the snapshot of step 4.
    _ = try train(configuration, on: hosts, until: 5, directory: directory, start: .beginning)
    #expect(hosts[0].summaries.map(\.step).max() == 4)
    let first = try train(configuration, on: hosts, until: 7, directory: directory)
    #expect(first.begin == 5)
    // Without the checkpoint of step 7 that of step 5 is older than the snapshot of step 6.
    try FileManager.default.removeItem(atPath: directory.checkpoints.path(ofStep: 7))
    let second = try train(configuration, on: hosts, directory: directory)
    #expect(second.begin == 6)
    #expect(try second.hash == undisturbed(configuration))
  }

  @Test func aDamagedCheckpointGivesWayToAnOlderSnapshot() throws {
    let folder = try TemporaryFolder()
    let directory = RunDirectory(path: folder.path)
    let configuration = try configuration()
    let host = Host()
    for last in [3, 5] {
      _ = try train(configuration, on: [host], until: last, directory: directory)
    }
    try Data().write(
      to: URL(fileURLWithPath: directory.checkpoints.path(ofStep: 5) + "/state.json"))
    #expect(try train(configuration, on: [host], directory: directory).begin == 4)
  }

  @Test func twoSnapshotsAreHeldAndNoMore() throws {
    let configuration = try configuration(every: 1)
    let hosts = [Host(), Host()]
    func held(_ host: Host) throws -> [Int] {
      #expect(try KeeperClient(mark: host.mark).list().count == host.summaries.count)
      return host.summaries.map(\.step).sorted()
    }
    _ = try train(configuration, on: hosts, until: 4, start: .beginning)
    for host in hosts { #expect(try held(host) == [2, 2, 3, 3]) }
    // What a run went on from is held until a newer one is complete, and no longer.
    #expect(try train(configuration, on: hosts, until: 5).begin == 3)
    for host in hosts { #expect(try held(host) == [3, 3, 4, 4]) }
    #expect(try train(configuration, on: hosts, until: 7).begin == 4)
    for host in hosts { #expect(try held(host) == [5, 5, 6, 6]) }
  }

  @Test func whoeverAsksForSnapshotsThatNobodyKeepsIsTold() throws {
    let configuration = try configuration()
    let group = try InProcessGroup(size: 1)
    let notices = try group.run { communicator in
      let recorder = EventRecorder()
      let trainer = try Trainer(
        task: DeepRegression(), configuration: configuration, communicator: communicator,
        workspace: Workspace(threadCount: 1), observers: [])
      trainer.attach(recorder)
      _ = try trainer.run()
      return recorder.names
    }[0]
    #expect(notices.filter { $0.contains("snapshot.every has no effect") }.count == 1)
    let gone = Host()
    gone.keeper.keeper?.stop()
    let ending = try train(configuration, on: [gone], start: .beginning)
    #expect(ending.notices.contains { $0.contains("can not reach its keeper") })
    #expect(ending.end == 8)
  }

  /// A keeper that has no memory to give.
  private final class Refusal: KeptMemory {
    func list() -> [KeptSegment] { [] }
    func make(byteCount: Int) throws(KeptMemoryError) -> KeptSegment {
      throw KeptMemoryError(code: ENOMEM)
    }
    func drop(_ numbers: [UInt64]) {}
  }

  @Test func aRunWhoseSnapshotsHaveNoMemoryGoesOnWithoutAndSaysSoOnce() throws {
    let configuration = try configuration()
    let expected = try undisturbed(configuration)
    let host = Host()
    let mark = host.mark
    let ending = try InProcessGroup(size: 2, ranksPerHost: 1).run { communicator in
      let recorder = EventRecorder()
      let trainer = try Trainer(
        task: DeepRegression(), configuration: configuration, communicator: communicator,
        workspace: Workspace(threadCount: 1),
        memory: communicator.isRankZero ? KeeperClient(mark: mark) : Refusal())
      trainer.attach(recorder)
      _ = try trainer.run()
      return Ending(
        begin: 0, end: trainer.stepsTaken, hash: trainer.parametersHash, notices: recorder.names)
    }[0]
    #expect(ending.end == 8 && ending.hash == expected)
    let told = ending.notices.filter { $0.contains("rank 1 gets no memory for snapshots") }
    #expect(told.count == 1)
    // What the others have got is given back.
    #expect(try KeeperClient(mark: mark).list().isEmpty)
  }

  @Test func whoeverAsksForMuchMemoryWaitsLongerForIt() throws {
    let host = Host()
    let name = KeeperRequest.socketName(mark: host.mark)
    let usual = try KeeperConnection(to: name).patience
    #expect(usual > 0)
    // 32 GiB at 128 MiB a second.
    #expect(try KeeperConnection(to: name, making: 32 << 30).patience == usual + 256)
    withExtendedLifetime(host) {}
  }

  @Test func whatIsLostWithAKeeperIsKnown() {
    func shard(_ step: Int, rank: Int, parameters: Range<Int>) -> ShardSummary {
      ShardSummary(
        attempt: 1, step: step, rank: rank, rankCount: 2, parameters: parameters,
        parameterCount: 10)
    }
    let (first, second) = (
      shard(4, rank: 0, parameters: 0..<10), shard(4, rank: 1, parameters: 0..<10)
    )
    let copy = shard(4, rank: 1, parameters: 0..<0)
    #expect(SnapshotInventory([[first], [second]]).newest?.step == 4)
    #expect(SnapshotInventory([[first, copy]]).newest?.step == 4)
    #expect(SnapshotInventory([[first]]).newest == nil)
    #expect(SnapshotInventory([[copy], []]).newest == nil)
    // Two ranks of one host share its parameters.
    let halves = [shard(6, rank: 0, parameters: 0..<5), shard(6, rank: 1, parameters: 5..<10)]
    #expect(SnapshotInventory([halves, [first, copy]]).newest?.step == 6)
    #expect(SnapshotInventory([[halves[0]], [halves[1]]]).newest == nil)
    #expect(SnapshotInventory([]).newest == nil)
    #expect(ShardSummary.all(in: ShardSummary.text(of: [first, copy])) == [first, copy])
    #expect(ShardSummary.all(in: "1 2 3") == nil && ShardSummary.all(in: "1 2 3 4 9 8 7") == nil)
  }

  @Test(arguments: 1...20) func everyElementComesFromWhereItWas(seed: UInt64) {
    var generator = SeededGenerator(seed: seed)
    let count = 40
    func owners(_ ranks: Int) -> ElementOwners {
      let cuts = ([0, count] + (0..<5).map { _ in Int.random(in: 0...count, using: &generator) })
        .sorted()
      return ElementOwners(
        zip(cuts, cuts.dropFirst()).map {
          .init(owner: Int.random(in: 0..<ranks, using: &generator), elements: $0..<$1)
        })
    }
    /// The elements of each owner, in order.
    func elements(_ owners: ElementOwners) -> [Int: [Int]] {
      owners.parts.reduce(into: [:]) { $0[$1.owner, default: []] += $1.elements }
    }
    let (old, new) = (owners(3), owners(2))
    let held = elements(old)
    var dealt = elements(new).mapValues { $0.map { _ in -1 } }
    for piece in Redistribution.pieces(from: old, to: new) {
      for index in 0..<piece.count {
        dealt[piece.destination]?[piece.destinationStart + index] =
          held[piece.source]?[piece.sourceStart + index] ?? -1
      }
    }
    #expect(dealt == elements(new))
  }

  /// Stops a run after a step, or fails.
  private final class Ender: RunObserver {
    struct Failure: Error {}
    let stop = StopRequest()
    private let (step, fails): (Int, Bool)

    init(afterStep step: Int, fails: Bool) { (self.step, self.fails) = (step, fails) }

    func receive(_ event: RunEvent) throws {
      guard case .step(let record) = event, record.step == step else { return }
      if fails { throw Failure() }
      stop.request(signal: SIGTERM)
    }
  }

  /// Messages match by their order, so that no two threads may wait for them.
  @Test(arguments: [false, true])
  func aRunThatEndsWaitsForItsParametersBeforeItsSnapshot(fails: Bool) throws {
    let configuration = try configuration()
    let hosts = [Host(), Host()]
    let marks = hosts.map(\.mark)
    let haveArrived = try InProcessGroup(size: 2, ranksPerHost: 1).run { base in
      let communicator = IdleBackground(base)
      let trainer = try Trainer(
        task: DeepRegression(), configuration: configuration, communicator: communicator,
        workspace: Workspace(threadCount: 1), memory: KeeperClient(mark: marks[base.rank]))
      var found: [Float] = []
      communicator.afterMessages = { found = Array(trainer.replica.shared.owned) }
      defer { communicator.afterMessages = {} }
      // The snapshot of step 2 is under way, and so are the parameters of step 3.
      let ender = Ender(afterStep: 2, fails: fails)
      trainer.attach(ender)
      if fails {
        #expect(throws: AgreedError.self) { try trainer.run(until: ender.stop) }
      } else {
        #expect(try trainer.run(until: ender.stop) == .stopped)
      }
      #expect(trainer.stepsTaken == 3)
      return found == Array(trainer.replica.shared.values)
    }
    #expect(haveArrived == [true, true])
    for host in hosts { #expect(host.summaries.map(\.step) == [2, 2]) }
  }
}
