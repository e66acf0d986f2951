import Foundation
import LockstepOptimization
import LockstepSettings
import Testing

@Suite struct ScheduleTests {
  private func schedule(
    _ keys: KeyValuePairs<String, String>, rate: Double, steps: Int
  ) throws -> Schedule {
    try ScheduleConfiguration(
      settings: SettingNode(
        .map(keys.map { SettingNode.Entry($0.key, SettingNode(.plain($0.value))) }))
    ).schedule(learningRate: rate, steps: steps)
  }

  @Test(arguments: 0..<10) func agreesWithPyTorch(index: Int) throws {
    let fixture: ScheduleFixture = try Fixture.load("schedules")
    #expect(fixture.cases.count == 10)
    let reference = fixture.cases[index]
    let configuration = try ScheduleConfiguration(settings: reference.keys.node)
    let schedule = configuration.schedule(
      learningRate: fixture.learningRate, steps: reference.steps)
    #expect(configuration.warmupSteps + reference.rates.count == reference.steps)
    for (step, rate) in zip((configuration.warmupSteps + 1)..., reference.rates) {
      // PyTorch's recursions gather rounding errors; the closed forms do not.
      let found = schedule.learningRate(step: step)
      #expect(
        abs(found - rate) <= 1e-12 * fixture.learningRate,
        "\(configuration.shape) at step \(step): \(found), not \(rate)")
    }
  }

  @Test func fallsOnPlateausAsPyTorchs() throws {
    let fixture: ScheduleFixture = try Fixture.load("schedules")
    let configuration = try ScheduleConfiguration(settings: fixture.plateau.keys.node)
    let shape = try #require(configuration.plateau)
    var memory = PlateauShape.Memory()
    for (loss, factor) in zip(fixture.plateau.losses, fixture.plateau.factors) {
      memory.record(loss, shape)
      #expect(abs(memory.factor - factor) <= 1e-12)
      // As from a checkpoint.
      memory = try PlateauShape.Memory(
        description: JSONEncoder().encode(memory), path: "plateau")
    }
    #expect(memory.factor == 0.1)
  }

  @Test func aLossThatIsNotFiniteIsNoImprovement() {
    for value in [Double.nan, .infinity, -.infinity] {
      #expect(!value.isImprovement(on: nil) && !value.isImprovement(on: 5))
      #expect(3.0.isImprovement(on: value))
    }
    var shape = PlateauShape()
    (shape.patience, shape.decay) = (1, 0.5)
    var memory = PlateauShape.Memory()
    for loss in [.nan, .infinity, 3, .nan] { memory.record(loss, shape) }
    // The first two are one too many; the third is the best there is, and the last one is put up with.
    #expect(memory.factor == 0.5)
    memory.record(2.9, shape)
    memory.record(-.infinity, shape)
    #expect(memory.factor == 0.5)
    memory.record(2.95, shape)
    #expect(memory.factor == 0.25)
  }

  @Test(arguments: ["0", "0.1", "1"], ["cosine", "linear", "polynomial", "warmup-stable-decay"])
  func warmupAndDeclineMeetTheirEndsExactly(ratio: String, name: String) throws {
    let schedule = try schedule(
      ["name": name, "final_ratio": ratio, "warmup_steps": "50"], rate: 3e-4, steps: 1000)
    let ratio = try #require(Double(ratio))
    #expect(schedule.learningRate(step: 0) == 0)
    #expect(schedule.learningRate(step: 1) == 3e-4 / 50)
    #expect(schedule.learningRate(step: 50) == 3e-4)
    #expect(schedule.learningRate(step: 1000) == 3e-4 * ratio)
    #expect(schedule.learningRate(step: 5000) == 3e-4 * ratio)
    let shares: [String: Double] = ["polynomial": 0.25, "warmup-stable-decay": 1]
    let share = shares[name] ?? 0.5
    let expected = 3e-4 * (ratio + share * (1 - ratio))
    #expect(abs(schedule.learningRate(step: 525) - expected) <= 1e-18)
  }

  @Test func inverseSquareRootIsTheTransformers() throws {
    // With the rate 1 / √(D W) it is D^-½ · min(step^-½, step · W^-1½).
    let (width, warmup) = (512.0, 400.0)
    let schedule = try schedule(
      ["name": "inverse-square-root", "warmup_steps": "400"],
      rate: 1 / (width * warmup).squareRoot(),
      steps: 10_000)
    for step in [1, 17, 399, 400, 401, 1000, 10_000] {
      let (first, second) = (pow(Double(step), -0.5), Double(step) * pow(warmup, -1.5))
      let expected = pow(width, -0.5) * min(first, second)
      #expect(abs(schedule.learningRate(step: step) - expected) <= 1e-15)
    }
  }

  @Test func stableDecayFallsOverTheLastPart() throws {
    let line = try schedule(
      ["name": "warmup-stable-decay", "decay_fraction": "0.25"], rate: 2, steps: 100)
    #expect(line.learningRate(step: 75) == 2)
    #expect(abs(line.learningRate(step: 80) - 2 * 0.8) <= 1e-15)
    let root = try schedule(
      ["name": "warmup-stable-decay", "decay_fraction": "0.25", "fall": "root"], rate: 2,
      steps: 100)
    #expect(abs(root.learningRate(step: 80) - 2 * (1 - 0.2.squareRoot())) <= 1e-15)
  }

  @Test func withoutWarmupTheFirstRateIsTheFullOne() throws {
    let schedule = try schedule(["name": "linear"], rate: 2, steps: 10)
    #expect(schedule.learningRate(step: 0) == 2)
    #expect(schedule.learningRate(step: 5) == 1.1)
  }

  @Test func warmupOfTheWholeRunEndsAtTheFullRate() throws {
    let schedule = try schedule(["name": "cosine", "warmup_steps": "10"], rate: 2, steps: 10)
    #expect(schedule.learningRate(step: 10) == 2)
    #expect(schedule.learningRate(step: 11) == 0.2)
  }

  /// Such a warm-up leaves one step, or none, for the way up and down.
  @Test(arguments: [9, 10]) func aLongWarmupOfOneCycleRisesToTheFullRate(steps: Int) throws {
    let schedule = try schedule(
      ["name": "one-cycle", "warmup_steps": "\(steps)"], rate: 2, steps: 10)
    #expect(schedule.learningRate(step: steps) == 2)
    #expect(schedule.learningRate(step: 3) == 2 * 3 / Double(steps))
  }

  @Test func aSteepPolynomialFallsToZeroAndNotBelow() throws {
    let schedule = try schedule(
      ["name": "polynomial", "power": "100", "final_ratio": "0"], rate: 1, steps: 10_000)
    let rates = (9900...10_000).map(schedule.learningRate)
    #expect(rates.allSatisfy { (0...1e-100).contains($0) })
  }

  @Test func constantStaysAfterWarmup() throws {
    let schedule = try schedule(["name": "constant", "warmup_steps": "4"], rate: 0.5, steps: 6)
    #expect((0...6).map(schedule.learningRate) == [0, 0.125, 0.25, 0.375, 0.5, 0.5, 0.5])
  }

  @Test func ratesFallWithoutSteps() throws {
    let schedule = try schedule(["name": "cosine", "final_ratio": "0"], rate: 1, steps: 100_000)
    let rates = (0...100_000).map(schedule.learningRate)
    #expect(zip(rates, rates.dropFirst()).allSatisfy { $0 >= $1 })
  }

  @Test(arguments: [["3", "3"], ["0"], ["5", "2"]]) func milestonesAscend(steps: [String]) {
    #expect(throws: ConfigurationError.self) {
      try ScheduleConfiguration(
        settings: SettingNode(
          .map([
            .init("name", SettingNode(.plain("multi-step"))),
            .init("milestones", SettingNode(.list(steps.map { SettingNode(.plain($0)) }))),
          ])))
    }
  }
}

@Suite struct ReproducibleMathTests {
  @Test func cosineIsAccurate() {
    for index in 0...10_000 {
      let x = Double(index) / 10_000
      #expect(abs(Double.cosineOfHalfTurns(x) - cos(.pi * x)) <= 4e-16)
    }
    #expect(Double.cosineOfHalfTurns(0.5) == 0)
  }

  @Test(arguments: [0, 1, 2, 7, 1000, 123_456]) func wholePowerIsAccurate(exponent: Int) {
    let found = 0.9993.raised(to: exponent)
    #expect(abs(found - pow(0.9993, Double(exponent))) <= 1e-11 * found)
  }

  @Test(arguments: [0.1, 0.5, 1, 1.7, 2, 30]) func anyPowerIsAccurate(exponent: Double) {
    for base in [0, 1e-6, 0.3, 0.96, 1] {
      #expect(abs(base.raised(to: exponent) - pow(base, exponent)) <= 1e-14)
    }
  }

  /// Where the result is hardly a number any more, it ends at e^±700.
  @Test(arguments: [1e4, 17_379, 1e5, 1e9]) func farPowersAreAlmostZero(exponent: Double) {
    #expect((0...1e-170).contains(0.96.raised(to: exponent)))
  }
}
