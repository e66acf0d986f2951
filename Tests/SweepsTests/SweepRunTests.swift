import Foundation
import LockstepCommunication
import LockstepSweeps
import LockstepTensors
import LockstepTraining
import TestSupport
import Testing

@Suite struct SweepRunTests {
  private static let halving = """
    method: halving
    trials: 9
    metric: validation_loss
    parameters:
      optimizer.learning_rate: {low: 1e-4, high: 1e-1, scale: log}
      batch.sequences: {low: 1, high: 4, integer: true}
    """

  /// A rate at which squares overflow in a step or two.
  private static let diverging = """
    parameters:
      optimizer: {values: [{name: sgd, clip_norm: 0}]}
      optimizer.learning_rate: {values: [1e-2, 1e30]}
    """

  @Test(arguments: [(2, 2, 1), (2, 2, 2), (3, 3, 2), (4, 4, 2), (4, 2, 2), (4, 2, 4), (4, 1, 2)])
  func sideBySideEqualsInSequence(ranks: Int, ranksPerHost: Int, groups: Int) throws {
    let bench = try SweepBench()
    for (name, sweep) in [("halving", Self.halving), ("diverging", Self.diverging)] {
      #expect(try bench.sweep(sweep, to: name) == [.success])
      let codes = try bench.sweep(
        sweep, to: name + "-side", ranks: ranks, ranksPerHost: ranksPerHost, groups: groups)
      #expect(codes == Array(repeating: .success, count: ranks))
      #expect(try bench.report(name) == bench.report(name + "-side"))
    }
  }

  @Test func aTrialIsTheRunOfItsConfiguration() throws {
    let bench = try SweepBench()
    try bench.sweep(
      """
      parameters:
        optimizer.learning_rate: {values: [1e-3, 2e-2]}
        batch.sequences: {values: [1, 3]}
      """, to: "grid")
    let report = try bench.json("grid")
    #expect(report.trials.map(\.state) == Array(repeating: "finished", count: 4))
    #expect(report.trials[2].runs[0].directory == "trials/0003")
    let alone = try bench.train(["optimizer.learning_rate=2e-2", "batch.sequences=1"])
    #expect(report.trials[2].runs[0].parametersSha256 == alone)
    let losses = report.ranking.compactMap { report.trials[$0 - 1].metric }
    #expect(losses.count == 4 && losses == losses.sorted())
    #expect(bench.exists("grid/trials/0003/checkpoints/step-00000036"))
  }

  @Test func halvingLetsTheBestGoOnExactly() throws {
    let bench = try SweepBench()
    try bench.sweep(Self.halving, to: "halving", ranks: 2)
    let report = try bench.json("halving")
    // 36 steps, a ninth and a third of them first.
    #expect(report.trials.count { $0.rungs.map(\.steps) == [4] } == 6)
    #expect(report.trials.count { $0.rungs.map(\.steps) == [4, 12] } == 2)
    let finished = try #require(report.trials.first { $0.rungs.map(\.steps) == [4, 12, 36] })
    #expect(report.trials.count { $0.state == "pruned" } == 8 && finished.state == "finished")
    for rung in 0..<2 {
      let here = report.trials.filter { $0.rungs.count > rung }
      let ranked = here.sorted { $0.rungs[rung].metric < $1.rungs[rung].metric }
      let next = Set(report.trials.filter { $0.rungs.count > rung + 1 }.map(\.trial))
      #expect(Set(ranked.prefix(here.count / 3).map(\.trial)) == next)
    }
    #expect(report.ranking.first == finished.trial)
    // Pauses change no bit: it is the run that was never interrupted.
    let values = try JSONSerialization.jsonObject(
      with: Data(bench.text("halving/sweep.json").utf8))
    let trials = (values as? [String: Any])?["trials"] as? [[String: Any]]
    let chosen = try #require(trials?[finished.trial - 1]["parameters"] as? [String: Any])
    let alone = try bench.train(chosen.map { "\($0)=\($1)" })
    #expect(finished.runs[0].parametersSha256 == alone)
  }

  @Test func aRunThatHasEndedLeavesNothingBehind() throws {
    let bench = try SweepBench()
    weak var trainer: Trainer?
    weak var workspace: Workspace?
    do {
      let run = try TrainingRun(
        configuration: RunConfiguration.load(path: bench.path("run.yaml")),
        communicator: SoloCommunicator(), mode: "test",
        directory: RunDirectory(path: bench.path("run")), resume: false, threads: 3)
      try run.attach(console: .quiet)
      #expect(try run.run(until: StopRequest()) == .success)
      (trainer, workspace) = (run.trainer, run.trainer.replica.workspace)
    }
    #expect(trainer == nil && workspace == nil)
  }

  @Test func aDivergedTrialIsRecordedAndTheSweepGoesOn() throws {
    let bench = try SweepBench()
    #expect(
      try bench.sweep(Self.diverging, to: "out", ranks: 2, groups: 2) == [.success, .success])
    let report = try bench.json("out")
    #expect(report.trials.map(\.state) == ["finished", "diverged"])
    #expect(
      report.trials[1].reason?.contains("step 2: the loss of micro-batch 0 is infinite") == true,
      "\(report.trials[1])")
    #expect(report.trials[1].reason?.contains("rank") == false)
    #expect(report.ranking == [1])
  }

  /// A trial may be among the best of a rung and diverge in the next one: who goes on stays decided.
  @Test(arguments: [1, 2]) func aTrialThatDivergesInALaterRungHasComeToTheFirst(groups: Int) throws
  {
    let bench = try SweepBench()
    // The loss of the first step is the same in all trials, so that the first three go on.
    let sweep = """
      method: halving
      trials: 9
      min_steps: 1
      metric: loss
      seed: 3
      \(Self.diverging)
      """
    let codes = try bench.sweep(sweep, to: "out", ranks: groups, groups: groups)
    #expect(codes == Array(repeating: .success, count: groups))
    let report = try bench.json("out")
    #expect(report.state == "finished")
    let states = report.trials.map(\.state)
    #expect(states.prefix(3).sorted() == ["diverged", "finished", "pruned"], "\(states)")
    #expect(states.dropFirst(3).allSatisfy { $0 == "pruned" }, "\(states)")
    let diverged = try #require(report.trials.first { $0.state == "diverged" })
    #expect(diverged.rungs.map(\.steps) == [1] && diverged.reason?.hasPrefix("step 2") == true)
    #expect(report.ranking.count == 8 && !report.ranking.contains(diverged.trial))
    #expect(report.ranking.first.map { states[$0 - 1] } == "finished")
  }

  @Test(arguments: [1, 2]) func aTrialWhoseLastUpdateDivergesHasDiverged(ranks: Int) throws {
    let bench = try SweepBench()
    let codes = try bench.sweep(
      Self.diverging.replacing("1e30", with: "1e38"), to: "out", ranks: ranks,
      overrides: ["steps=1", "schedule={name: constant}", "evaluate.every=1"])
    #expect(codes == Array(repeating: .success, count: ranks))
    let report = try bench.json("out")
    #expect(report.trials.map(\.state) == ["finished", "diverged"])
    #expect(
      report.trials[1].reason?.contains("is not finite after its update") == true,
      "\(report.trials[1])")
  }

  @Test func aTrialThatOnlyItsValidationFailsHasDivergedToo() throws {
    let bench = try SweepBench()
    // Parameters of 1e36 are finite; the squares of their errors are not.
    try bench.sweep(
      Self.diverging.replacing("1e30", with: "1e36"), to: "out",
      overrides: ["steps=1", "schedule={name: constant}"])
    let report = try bench.json("out")
    #expect(report.trials.map(\.state) == ["finished", "diverged"])
    #expect(
      report.trials[1].reason?.contains("validation_loss is not a finite number") == true,
      "\(report.trials[1])")
    // The run itself came to its end.
    #expect(try bench.text("out/trials/0002/summary.json").contains("\"Infinity\""))
  }

  @Test func anErrorOfATrialIsRecordedAndTriedAgainOnResume() throws {
    let bench = try SweepBench()
    let sweep = """
      parameters:
        optimizer.groups: {values: [[], [{parameters: "nothing*", weight_decay: 0}]]}
      """
    #expect(try bench.sweep(sweep, to: "out") == [.success])
    let before = try bench.report("out")
    #expect(try bench.json("out").trials.map(\.state) == ["finished", "failed"])
    #expect(try bench.json("out").trials[1].reason?.contains("nothing*") == true)
    #expect(try bench.sweep(sweep, to: "out", resume: true) == [.success])
    #expect(try bench.report("out") == before)
  }

  @Test func aSweepOfWhichNothingCameFails() throws {
    let bench = try SweepBench()
    let error = #expect(throws: AgreedError.self) {
      try bench.sweep(
        """
        parameters:
          optimizer: {values: [{name: sgd, clip_norm: 0, learning_rate: 1e30}]}
        """, to: "out")
    }
    #expect(error?.exitCode == .failure && error?.speaks == true)
    #expect(error.map { "\($0)".hasPrefix("no trial came to an end; the first: step 2") } == true)
    #expect(try bench.json("out").ranking.isEmpty)
  }

  @Test func ofASweepWhoseLastContendersDivergeNoneIsTheBest() throws {
    let bench = try SweepBench()
    let error = #expect(throws: AgreedError.self) {
      try bench.sweep(
        """
        method: halving
        trials: 4
        min_steps: 1
        metric: loss
        parameters:
          optimizer: {values: [{name: sgd, clip_norm: 0, learning_rate: 1e30}]}
        """, to: "out")
    }
    #expect(error.map { "\($0)".hasPrefix("no trial came to an end; the first: step 2") } == true)
    let report = try bench.json("out")
    #expect(report.trials.map(\.state) == ["diverged", "pruned", "pruned", "pruned"])
    #expect(report.ranking == [2, 3, 4])
  }

  @Test(arguments: [
    ("method: range-test", ["steps=500"], "steps"),
    ("method: range-test", ["schedule.warmup_steps=3"], "schedule"),
    (
      "method: range-test", ["optimizer={name: sgd, learning_rate: 0.5}"], "optimizer.learning_rate"
    ),
    ("method: range-test", ["seed=2", "early_stopping.patience=3"], "early_stopping"),
    ("folds: 3\nparameters: {seed: {values: [1]}}", ["data.folds.held_out=2"], "data.folds"),
    ("folds: 3\nparameters: {seed: {values: [1]}}", ["data.validation=x"], "data.validation"),
    ("parameters: {steps: {values: [1, 2]}}", ["steps=3"], "steps"),
    (
      "parameters: {optimizer: {values: [{name: sgd}]}}", ["optimizer.learning_rate=1"], "optimizer"
    ),
  ])
  func whatTheSweepItselfSetsCanNotBeSet(
    sweep: String, overrides: [String], parameter: String
  ) throws {
    let bench = try SweepBench()
    let error = #expect(throws: AgreedError.self) {
      try bench.sweep(sweep + "\n", to: "out", overrides: overrides)
    }
    let key = overrides.last?.split(separator: "=").first.map(String.init) ?? ""
    #expect(
      error?.underlying as? SweepError == .overridden(key: key, parameter: parameter),
      "\(String(describing: error))")
  }

  @Test func aStopBeforeTheFirstTrialLosesNothing() throws {
    let bench = try SweepBench()
    let stop = StopRequest()
    stop.request(signal: SIGTERM)
    #expect(
      try bench.sweep(Self.halving, to: "out", ranks: 2, groups: 2, stop: stop)
        == [.stopped, .stopped])
    #expect(try bench.json("out").state == "stopped")
    #expect(try bench.json("out").trials.allSatisfy { $0.state == "open" })
    #expect(
      try bench.sweep(Self.halving, to: "out", ranks: 3, resume: true)
        == [.success, .success, .success])
    try bench.sweep(Self.halving, to: "whole")
    #expect(try bench.report("out") == bench.report("whole"))
  }

  @Test func crossValidationIsARunForEachFoldAndTheirMean() throws {
    let bench = try SweepBench()
    let sweep = """
      folds: 3
      metric: r2
      parameters:
        optimizer.learning_rate: {values: [1e-3, 2e-2]}
      """
    try bench.sweep(sweep, to: "one")
    try bench.sweep(sweep, to: "two", ranks: 3, groups: 2)
    #expect(try bench.report("one") == bench.report("two"))
    let report = try bench.json("one")
    #expect(report.ranking == [2, 1])
    for trial in report.trials {
      #expect(trial.runs.map(\.fold) == [0, 1, 2])
      let figures = trial.runs.compactMap { $0.measured?["r2"] }
      let mean = figures.reduce(0, +) / 3
      #expect(figures.count == 3 && trial.metric == mean)
      let variance = figures.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / 2
      #expect(abs((trial.deviation ?? 0) - variance.squareRoot()) < 1e-12 && variance > 0)
    }
    let alone = try bench.train([
      "optimizer.learning_rate=2e-2", "data.folds={count: 3, held_out: 1}", "data.validation=null",
    ])
    #expect(report.trials[1].runs[1].parametersSha256 == alone)
    #expect(bench.exists("one/trials/0002/fold-1/checkpoints"))
    #expect(try bench.text("one/sweep.html").contains(" ± "))
  }

  @Test func halvingComparesTheMeansOfFolds() throws {
    let bench = try SweepBench()
    let sweep = Self.halving + "\nfolds: 2\n"
    try bench.sweep(sweep, to: "one")
    try bench.sweep(sweep, to: "two", ranks: 2, groups: 2)
    #expect(try bench.report("one") == bench.report("two"))
    let report = try bench.json("one")
    #expect(report.trials.map(\.rungs.count).sorted() == [1, 1, 1, 1, 1, 1, 2, 2, 3])
    #expect(report.trials.allSatisfy { $0.deviation != nil && $0.runs.count == 2 })
  }

  @Test func aRangeTestFindsWhereTrainingDiverges() throws {
    let bench = try SweepBench()
    let text = "method: range-test\nlow: 1e-4\nhigh: 1e3\nsteps: 160\n"
    let overrides = ["optimizer={name: sgd, clip_norm: 0}"]
    try bench.sweep(text, to: "one", overrides: overrides)
    try bench.sweep(text, to: "two", ranks: 2, overrides: overrides)
    #expect(try bench.report("one") == bench.report("two"))
    let test = try #require(try bench.json("one").rangeTest)
    // It stopped long before the highest rate, and each rate is a factor above the one before.
    #expect((40..<150).contains(test.points.count))
    #expect(abs(test.points[0].learningRate - 1e-4) < 1e-12)
    let factor = pow(1e7, 1.0 / 159)
    for (one, next) in zip(test.points, test.points.dropFirst()) {
      #expect(abs(next.learningRate / one.learningRate / factor - 1) < 1e-9)
    }
    // Gradient descent on squares of normalised inputs diverges at a rate of about 1.
    let (lowest, steepest) = (try #require(test.lowest), try #require(test.steepest))
    #expect((0.1...10).contains(lowest), "\(lowest)")
    #expect(steepest < lowest && steepest > 1e-4)
    #expect(try bench.json("one").trials.map(\.state) == ["finished"])
    // One that jumps to infinity has found something, too.
    let steep = "method: range-test\nlow: 1e-3\nhigh: 1e38\nsteps: 40\n"
    #expect(try bench.sweep(steep, to: "steep", overrides: overrides) == [.success])
    #expect(try bench.json("steep").rangeTest?.lowest != nil)
  }
}
