import LockstepAudits
import LockstepCommunication
import LockstepTensors
import LockstepTraining
import TestSupport
import Testing

/// A model that knows its data by heart is found out, and one that has learned nothing tells nothing.
@Suite struct MembershipAuditTests {
  private let bench: Bench

  init() throws {
    bench = try Bench()
    try bench.table("train.csv", rows: 60, seed: 1)
    try bench.table("test.csv", rows: 100, seed: 2)
  }

  private func report(
    steps: Int, references: Int, seed: Int = 1
  ) throws -> MembershipReport {
    let configuration = try bench.rows(
      """
      batch: {sequences: 20, microbatches: 1}
      optimizer: {name: adamw, learning_rate: 1e-2}
      seed: \(seed)
      """, hidden: "[48]", steps: steps)
    let directory = RunDirectory(path: bench.folder.path + "/run\(steps)")
    let run = try TrainingRun(
      configuration: configuration, communicator: SoloCommunicator(), mode: "test",
      directory: directory, resume: false, threads: 1)
    _ = try run.run(until: StopRequest())
    var options = MembershipAudit.Options()
    options.references = references
    let trained = try TrainedModel.open(directory.path, in: Workspace())
    return try MembershipAudit(of: trained, options: options).run()
  }

  @Test func whatWasLearnedByHeartIsFound() throws {
    let report = try report(steps: 600, references: 4)
    #expect(report.members == 60 && report.others == 100)
    #expect(report.memberLoss < report.otherLoss / 2)
    #expect(
      report.attacks.map(\.name) == ["loss", "loss against references", "likelihood ratio"])
    for attack in report.attacks { #expect(attack.area - 2 * attack.areaError > 0.6) }
    #expect(report.attacks[0].rates[0].truePositives == nil)
    #expect("\(report)".contains("needs 1000 others"))
  }

  @Test func referencesOfTheLargestSeedHaveSeedsToo() throws {
    let report = try report(steps: 1, references: 2, seed: .max)
    #expect(report.references == 2)
  }

  @Test func aModelThatHasLearnedNothingTellsNothing() throws {
    let report = try report(steps: 1, references: 0)
    #expect(abs(report.attacks[0].area - 0.5) < 3 * report.attacks[0].areaError)
    #expect(report.promise == nil)
  }

  /// One sample is hard and was seen, another is easy and was not: only references tell.
  @Test func referencesTellHardSamplesFromUnseenOnes() {
    // Of each two references one has seen a sample; a sample that was seen has one less.
    let difficulty = (0..<40).map { Double($0) }
    let isMember = (0..<40).map { $0 % 2 == 0 }
    func losses(_ seen: (Int) -> Bool, _ noise: Double) -> [Double] {
      (0..<40).map { difficulty[$0] - (seen($0) ? 1 : 0) + noise * Double($0 % 3 - 1) }
    }
    let references = (0..<4).map { number in
      let hasSeen = (0..<40).map { ($0 / 2 + number) % 2 == 0 }
      return (hasSeen: hasSeen, losses: losses({ hasSeen[$0] }, Double(number) / 20))
    }
    let own = losses({ isMember[$0] }, 0)
    let scores = ReferenceScores(own, references, scale: .tokens)
    func area(_ scores: [Double]) -> Double {
      ReceiverCurve(
        members: scores.indices.filter { isMember[$0] }.map { scores[$0] },
        others: scores.indices.filter { !isMember[$0] }.map { scores[$0] }
      ).area.value
    }
    #expect(area(own.map { -$0 }) < 0.6)
    #expect(area(scores.differences) == 1)
    #expect(area(scores.likelihoodRatios) == 1)
  }

  @Test func withoutHeldOutDataThereAreNoOthers() throws {
    let configuration = try RunConfiguration.parse(
      yaml: bench.rows("").yaml(comments: false), source: "x",
      overrides: ["data.validation=null"])
    let directory = RunDirectory(path: bench.folder.path + "/alone")
    let run = try TrainingRun(
      configuration: configuration, communicator: SoloCommunicator(), mode: "test",
      directory: directory, resume: false, threads: 1)
    _ = try run.run(until: StopRequest())
    let trained = try TrainedModel.open(directory.path, in: Workspace())
    #expect(throws: AuditError.noHeldOut(path: trained.path)) {
      try MembershipAudit(of: trained, options: MembershipAudit.Options())
    }
  }

  /// Workers end with what all of them found: a training has whole rounds.
  @Test func aRunWithWorkersIsAudited() throws {
    let configuration = try bench.rows(
      "batch: {sequences: 10, microbatches: 2}\nsynchronize: {every: 4, workers: 2}", steps: 8)
    for (asked, taken) in [(nil, 8), (8, 8), (7, 4), (4, 4), (3, 4)] as [(Int?, Int)] {
      #expect(configuration.plan.forTrial(steps: asked).steps == taken)
    }
    let directory = RunDirectory(path: bench.folder.path + "/workers")
    let run = try TrainingRun(
      configuration: configuration, communicator: SoloCommunicator(), mode: "test",
      directory: directory, resume: false, threads: 1)
    _ = try run.run(until: StopRequest())
    var options = MembershipAudit.Options()
    (options.references, options.steps) = (2, 6)
    let trained = try TrainedModel.open(directory.path, in: Workspace())
    #expect(try MembershipAudit(of: trained, options: options).run().references == 2)
  }
}
