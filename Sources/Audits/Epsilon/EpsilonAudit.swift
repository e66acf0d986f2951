// q sampling rate, σ noise multiplier, C clip, B samples of a step on the average, T steps.

import Foundation
import LockstepDatasets
import LockstepNeuralNetworks
import LockstepOptimization
import LockstepPrivacy
import LockstepTensors
import LockstepTraining

/// Looks for an ε that is larger than the one claimed: many small private trainings, half of them with one sample
/// that stands out and half without, and how well they are told apart.
///
/// What is audited is the mechanism with the run's model, clip, noise, δ and accountant: how samples are drawn,
/// their gradients clipped and summed, noise added and steps counted. The data are few samples of the run's, and the
/// optimiser is plain gradient descent at a tiny rate: what it is follows the noisy sums, so that the promise holds
/// for any, and this one shows the sums themselves.
package struct EpsilonAudit {
  package struct Options: Sendable {
    /// Runs with the sample and without it, together.
    package var runs = 1000
    /// T; nil: at most 10, and so few that so many runs could refute the claim, where one step is not too many.
    package var steps: Int?
    /// q.
    package var rate = 0.5
    package var confidence = 0.95
    /// δ of the claim that is tested; nil: the configuration's.
    package var delta: Double?
    package var seed: UInt64 = 1337

    package init() {}
  }

  /// Samples of a data set, the one that stands out included.
  static let sampleCount = 16
  /// Samples of the run that the others of a data set are chosen from.
  static let candidateCount = 64
  /// The largest claim that is chosen to be tested, as a share of what the runs can show.
  static let refutableShare = 0.75

  package let path: String
  private let outlier: Outlier
  private let candidates: [Int]
  private let draws: AuditDraws
  private let options: Options
  /// Of each run, but for its key.
  package let plan: Plan
  /// ε of these steps at δ, by the configuration's accountant.
  package let claimed: Double

  /// - Parameters:
  ///   - path: What errors call the configuration.
  ///   - configuration: Of a private run.
  ///   - pool: Its samples.
  /// - Throws: `AuditError`; `PrivacyError` where the run itself could not be private.
  package init(
    _ configuration: RunConfiguration, path: String, pool: SamplePool, options: Options
  ) throws {
    let privacy = configuration.plan.privacy
    guard privacy.isOn else { throw AuditError.notPrivate(path: path) }
    guard pool.memberCount >= Self.sampleCount else {
      throw AuditError.tooFewSamples(
        path: pool.path, found: pool.memberCount, needed: Self.sampleCount)
    }
    (self.path, self.options) = (path, options)
    draws = AuditDraws(seed: options.seed)
    outlier = Outlier(in: pool, draws)
    candidates = draws.some(Self.candidateCount, of: pool.members, .members)
    let noise = try Self.noise(of: configuration.plan, sampleCount: pool.memberCount)
    let expected = max(1, Int((options.rate * Double(Self.sampleCount)).rounded()))
    let step = SubsampledGaussian(
      rate: Double(expected) / Double(Self.sampleCount), noise: noise)
    let accountant = privacy.accountant.accountant(of: step)
    func epsilon(_ steps: Int) -> Double {
      accountant.epsilon(afterSteps: steps, delta: options.delta ?? privacy.delta)
    }
    let refutable =
      Self.refutableShare
      * EpsilonBound.largest(
        runs: options.runs, delta: options.delta ?? privacy.delta, confidence: options.confidence)
    let steps =
      options.steps ?? (2...10).reversed().first { epsilon($0) <= refutable } ?? 1
    claimed = try privacy.accountant.epsilon(
      of: step, afterSteps: steps, delta: options.delta ?? privacy.delta)
    plan = Self.plan(configuration.plan, noise: noise, steps: steps, expected: expected)
  }

  /// σ, as the run itself has it.
  private static func noise(of plan: Plan, sampleCount: Int) throws -> Double {
    if let noise = plan.privacy.noise { return noise }
    let expected = min(sampleCount, plan.batch.sequences * plan.batch.microbatches)
    return try PrivacyBudget.noise(
      rate: Double(expected) / Double(sampleCount), steps: plan.steps,
      epsilon: plan.privacy.epsilon ?? .infinity, delta: plan.privacy.delta,
      accountant: plan.privacy.accountant)
  }

  /// The plan of a run: gradient descent whose noise moves a parameter by 10⁻⁴ in all, so that gradients stay as
  /// they are at the beginning.
  private static func plan(_ plan: Plan, noise: Double, steps: Int, expected: Int) -> Plan {
    var plan = plan.forTrial(steps: steps)
    plan.privacy.epsilon = nil
    plan.privacy.noise = noise
    plan.schedule = ScheduleConfiguration()
    plan.schedule.shape = .constant
    plan.average = AveragingConfiguration()
    plan.optimizer = OptimizerConfiguration()
    plan.optimizer.method = .sgd(SGD())
    plan.optimizer.clipNorm = 0
    plan.optimizer.learningRate =
      1e-4 * Double(expected) / (noise * plan.privacy.clip * Double(steps).squareRoot())
    plan.batch.microbatches = expected.isMultiple(of: 2) ? 2 : 1
    plan.batch.sequences = expected / plan.batch.microbatches
    return plan
  }

  // MARK: Runs

  /// What the runs came to: each statistic's numbers, of runs with the sample and of those without.
  package struct Outcomes: Sendable {
    package var with: [[Double]] = [[], []]
    package var without: [[Double]] = [[], []]
    /// Of all runs, how far they went where the data hardly reach, in clips.
    package var aside: [Double] = []
    /// ‖g‖ / C of the sample, before anything is learned.
    package var gradientNorm = 0.0

    package static let names = ["the way that its gradient points", "its loss"]
  }

  /// Trains all runs.
  ///
  /// - Parameters:
  ///   - privacy: How they are trained; nil: as is claimed. Tests put a mechanism there that breaks the claim.
  ///   - workspace: Computes.
  ///   - report: Called after each run with how many are done.
  package func outcomes(
    privacy: PrivacyConfiguration? = nil, in workspace: Workspace, report: (Int) -> Void = { _ in }
  ) throws -> Outcomes {
    var plan = plan
    if let privacy { plan.privacy = privacy }
    // Nobody asks the runs themselves what they cost, and this accountant is made at once.
    plan.privacy.accountant = .rdp
    var outcomes = Outcomes()
    let (probe, samples) = try probe(in: workspace)
    for run in 0..<options.runs {
      let isWith = run.isMultiple(of: 2)
      let result = try outlier.pool.trained(
        on: samples, gap: isWith ? nil : outlier.number, plan: plan, key: draws.key(run),
        in: workspace)
      let task = try outlier.pool.task(of: result.network, isMeasuring: true)
      let loss = try task.meanLoss(of: outlier.number, in: workspace)
      let way = probe.way(to: result.replica)
      outcomes.aside.append(way.aside * unit)
      let numbers = [way.descent * unit, -loss]
      for (statistic, number) in numbers.enumerated() {
        if isWith {
          outcomes.with[statistic].append(number)
        } else {
          outcomes.without[statistic].append(number)
        }
      }
      report(run + 1)
    }
    outcomes.gradientNorm = probe.norm / self.plan.privacy.clip
    return outcomes
  }

  /// What is measured of each run, and the samples that all learn from, the one that stands out being the last.
  private func probe(in workspace: Workspace) throws -> (GradientProbe, samples: [Int]) {
    var result: (GradientProbe, samples: [Int])?
    var once = plan
    (once.steps, once.privacy.accountant) = (1, .rdp)
    _ = try outlier.pool.trained(
      on: candidates, plan: once, key: draws.key(-1), in: workspace
    ) { network, replica in
      let task = try outlier.pool.task(of: network, isMeasuring: true)
      let probe = try GradientProbe(
        of: outlier.number, task: task, replica: replica, draws, in: workspace)
      guard let probe else { throw AuditError.noGradient(path: path) }
      let others = try probe.quietest(
        Self.sampleCount - 1, of: candidates, clip: plan.privacy.clip, task: task,
        replica: replica, in: workspace)
      result = (probe, others + [outlier.number])
    }
    guard let result else { throw AuditError.noGradient(path: path) }
    return result
  }

  /// What a way of the parameters is multiplied by to be a sum of clipped gradients, in clips.
  private var unit: Double {
    Double(plan.batch.sequences * plan.batch.microbatches)
      / (plan.optimizer.learningRate * plan.privacy.clip)
  }

  /// What the outcomes say of the claim.
  package func report(_ outcomes: Outcomes) -> EpsilonReport {
    let privacy = plan.privacy
    let delta = options.delta ?? privacy.delta
    let bound = EpsilonBound(
      with: outcomes.with, without: outcomes.without, delta: delta,
      confidence: options.confidence)
    let rate = plan.expectedRate(of: Self.sampleCount)
    let draws = rate * Double(plan.steps)
    let pull = Estimate.difference(outcomes.with[0], outcomes.without[0]).divided(by: draws)
    let noise = Estimate.deviation(outcomes.aside).divided(by: Double(plan.steps).squareRoot())
    return EpsilonReport(
      claimed: claimed, found: bound.epsilon,
      largest: EpsilonBound.largest(
        runs: options.runs, delta: delta, confidence: options.confidence),
      confidence: options.confidence, delta: delta, noise: privacy.noise ?? 0,
      clip: privacy.clip, rate: rate, steps: plan.steps, runs: options.runs,
      accountant: privacy.accountant.rawValue, unit: outlier.pool.unit, canary: outlier.description,
      gradientNorm: outcomes.gradientNorm, pull: pull, noiseFound: noise,
      statistic: Outcomes.names[bound.statistic], foundRuns: bound.found.count,
      runsWith: bound.found.of, mistakenRuns: bound.mistaken.count, runsWithout: bound.mistaken.of)
  }
}

extension Plan {
  /// q of a step of a private run.
  func expectedRate(of sampleCount: Int) -> Double {
    Double(batch.sequences * batch.microbatches) / Double(sampleCount)
  }
}
