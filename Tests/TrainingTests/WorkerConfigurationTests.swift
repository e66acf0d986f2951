import LockstepOptimization
import LockstepTraining
import Testing

/// What the `synchronize` section says, and what workers can not do.
@Suite struct WorkerConfigurationTests {
  @Test func workersAreRead() throws {
    let plain = try RunConfiguration.parse(
      yaml: "synchronize: {every: 100, workers: 2}", source: "run.yaml")
    #expect(plain.synchronize.every == 100)
    #expect(plain.synchronize.workers == 2)
    guard case .nesterov(let rule) = plain.synchronize.outer.method else {
      Issue.record("\(plain.synchronize.outer)")
      return
    }
    #expect(rule.learningRate == 0.7)
    #expect(rule.rule.momentum == 0.9)
    #expect(rule.rule.nesterov)
    let averaged = try RunConfiguration.parse(
      yaml: "synchronize: {every: 100, outer: {name: sgd, learning_rate: 0.5}}", source: "run.yaml")
    var plainRule = PlainOuterStep()
    plainRule.learningRate = 0.5
    #expect(averaged.synchronize.outer.method == .sgd(plainRule))
    let sparse = try RunConfiguration.parse(
      yaml: "synchronize: {every: 100, outer: {name: sparseloco, density: 0.01}}",
      source: "run.yaml")
    var sparseRule = SparseOuterStep()
    sparseRule.density = 0.01
    #expect(sparse.synchronize.outer.method == .sparseloco(sparseRule))
  }

  @Test(arguments: [
    ("synchronize: {workers: 2}", "synchronize.workers: found 2, expected 1, because every is 0"),
    (
      "synchronize: {outer: {momentum: 0.8}}",
      "expected no keys, because every is 0"
    ),
    (
      "synchronize: {every: 100, workers: 3}",
      "synchronize.workers: found 3, expected a divisor of batch.microbatches (4)"
    ),
    (
      "synchronize: {every: 30}\nevaluate: {every: 0}",
      "steps: found 1000 (the default), expected a multiple of synchronize.every (30)"
    ),
    (
      "synchronize: {every: 125}",
      "evaluate.every: found 100 (the default), expected a multiple of synchronize.every (125)"
    ),
    (
      "synchronize: {every: 100}\nreduction: allreduce",
      "reduction: found \"allreduce\", expected canonical, canonical-bfloat16 or canonical-int8"
    ),
    (
      "synchronize: {every: 100, outer: {name: sparseloco}}\nreduction: canonical-int8",
      "reduction: found \"canonical-int8\", expected canonical, because synchronize.outer.name is sparseloco"
    ),
    (
      "synchronize: {every: 100, outer: {name: sparseloco, density: 0}}",
      "synchronize.outer.density: found 0"
    ),
    (
      "synchronize: {every: 100}\noptimizer: {name: lbfgs, clip_norm: 0}",
      "optimizer.name: found \"lbfgs\", expected another than lbfgs"
    ),
    (
      "synchronize: {every: 100}\noptimizer: {skip_above: 4}",
      "expected 0, because a worker"
    ),
  ])
  func workersWithWhatTheyCanNotDoAreRefused(yaml: String, problem: String) {
    let found = problems(yaml)
    #expect(found.count == 1 && found[0].contains(problem), "\(found)")
  }
}
