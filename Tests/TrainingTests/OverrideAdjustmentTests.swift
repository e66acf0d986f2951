import LockstepOptimization
import LockstepSettings
import LockstepTraining
import Testing

/// What follows from an override beside its own key.
@Suite struct OverrideAdjustmentTests {
  private func problems(_ yaml: String, overrides: [String] = []) -> [String] {
    do throws(ConfigurationError) {
      _ = try RunConfiguration.parse(yaml: yaml, source: "run.yaml", overrides: overrides)
      return []
    } catch {
      return error.violations.map(\.description)
    }
  }

  private static let adamw = """
    optimizer: {name: adamw, learning_rate: 0.5, betas: [0.8, 0.9], clip_norm: 2, epsilon: 1e-7}
    schedule: {warmup_steps: 200}
    steps: 1000
    """

  @Test func anotherChoiceLeavesOutTheKeysOfTheFormerOne() throws {
    let configuration = try RunConfiguration.parse(
      yaml: Self.adamw, source: "run.yaml",
      overrides: ["optimizer.name=sgd", "optimizer.momentum=0.5"])
    var sgd = SGD()
    sgd.momentum = 0.5
    #expect(configuration.optimizer.method == .sgd(sgd))
    #expect(configuration.optimizer.learningRate == 0.5 && configuration.optimizer.clipNorm == 2)
    #expect(
      configuration.notices == [
        "optimizer.name is sgd, by an option: optimizer.betas and optimizer.epsilon of the file are left out, "
          + "being of name: adamw"
      ])
    // Keys that both have stay.
    let adam = try RunConfiguration.parse(
      yaml: Self.adamw, source: "run.yaml", overrides: ["optimizer.name=adam"])
    #expect(adam.notices.isEmpty && adam.yaml(comments: false).contains("betas: [0.8, 0.9]"))
  }

  @Test func whatContradictsItselfStaysRefused() {
    #expect(
      problems(Self.adamw, overrides: ["optimizer.name=sgd", "optimizer.betas=[0.1, 0.2]"]).count
        == 1)
    #expect(problems("optimizer: {name: sgd, betas: [0.1, 0.2]}").count == 1)
    // The file's own mistake is no other choice's key.
    #expect(
      problems("optimizer: {name: adamw, momentum: 1}", overrides: ["optimizer.name=lion"]).count
        == 1)
    #expect(problems(Self.adamw, overrides: ["optimizer.name=sdg"]).count == 1)
    #expect(problems("steps: 10\nschedule: {warmup_steps: 11}").count == 1)
    #expect(
      problems(Self.adamw, overrides: ["steps=150", "schedule.warmup_steps=200"]).count == 1)
    #expect(problems("steps: 10\nschedule: {warmup_steps: 11}", overrides: ["steps=5"]).count == 1)
  }

  @Test(arguments: [(150, 30), (1, 0), (199, 39)])
  func aShorterRunHasAShorterWarmup(steps: Int, warmup: Int) throws {
    let configuration = try RunConfiguration.parse(
      yaml: Self.adamw, source: "run.yaml", overrides: ["steps=\(steps)"])
    #expect(configuration.schedule.warmupSteps == warmup && configuration.steps == steps)
    #expect(
      configuration.notices == [
        "steps is \(steps), by an option: schedule.warmup_steps is shortened from 200 to \(warmup), the same "
          + "share of the run"
      ])
    // Notices are no part of what a run is.
    let written = try RunConfiguration.parse(
      yaml: configuration.yaml(comments: false), source: "written")
    #expect(written == configuration && written.notices.isEmpty)
  }

  @Test func aWarmupThatFitsStays() throws {
    let configuration = try RunConfiguration.parse(
      yaml: Self.adamw, source: "run.yaml", overrides: ["steps=200"])
    #expect(configuration.schedule.warmupSteps == 200 && configuration.notices.isEmpty)
  }
}
