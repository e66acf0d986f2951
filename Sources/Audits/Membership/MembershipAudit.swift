import Foundation
import LockstepDatasets
import LockstepNeuralNetworks
import LockstepPrivacy
import LockstepTensors
import LockstepTraining

/// Asks of a trained model which samples it has learned from, by its loss on them.
///
/// Members are samples of the run's training data, the others its held-out data. Three attacks:
///
/// - the loss itself: S. Yeom et al., "Privacy Risk in Machine Learning: Analyzing the Connection to Overfitting",
///   2018;
/// - the loss less the mean loss of reference models that have not seen the sample, so that samples which are hard
///   for all are not taken for others: L. Watson et al., "On the Importance of Difficulty Calibration in Membership
///   Inference Attacks", 2022;
/// - how much likelier the loss is under reference models that have seen the sample than under those that have not:
///   N. Carlini et al., "Membership Inference Attacks From First Principles" (LiRA), 2022, with one variance for all
///   samples, as they advise for few models.
package struct MembershipAudit {
  package struct Options: Sendable {
    /// The most members, and the most others, that are asked for.
    package var samples = 5000
    /// Models that are trained to compare with: an even number; 0: none.
    package var references = 0
    /// Of each; nil: as many as the model has taken.
    package var steps: Int?
    package var seed: UInt64 = 1337

    package init() {}
  }

  /// The fewest references by which a deviation can be told.
  static let fewestForLikelihoods = 4

  private let trained: TrainedModel
  private let configuration: RunConfiguration
  private let pool: SamplePool
  private let options: Options
  private let draws: AuditDraws
  /// Their numbers in the pool.
  private let members: [Int]
  private let others: [Int]

  /// - Parameters:
  ///   - trained: Of a run.
  ///   - directory: Where the run's own files are; nil: where it was trained. Default: nil.
  /// - Throws: `AuditError`; what is wrong with the data.
  package init(of trained: TrainedModel, directory: String? = nil, options: Options) throws {
    guard var configuration = trained.configuration else {
      throw AuditError.noRun(path: trained.path)
    }
    if let directory { configuration.directory = directory }
    (self.trained, self.configuration, self.options) = (trained, configuration, options)
    pool = try configuration.samplePool(
      learned: trained.samples, threads: trained.workspace.threads)
    guard pool.heldOutCount > 0 else { throw AuditError.noHeldOut(path: trained.path) }
    draws = AuditDraws(seed: options.seed)
    members = draws.some(options.samples, of: pool.members, .members).sorted()
    others = draws.some(options.samples, of: pool.heldOut, .heldOut).sorted()
  }

  /// The part that is being computed, to show how far an audit has come.
  package enum Part {
    case losses
    case reference(Int, of: Int)
  }

  package func run(report: (Part, _ done: Int, _ total: Int) -> Void = { _, _, _ in }) throws
    -> MembershipReport
  {
    let asked = members + others
    let losses = try losses(
      of: trained.model.module, asked, in: trained.workspace,
      report: { report(.losses, $0, $1) })
    var references: [Reference] = []
    for number in 0..<options.references {
      references.append(
        try reference(number, asked) {
          report(.reference(number + 1, of: options.references), $0, $1)
        })
    }
    return self.report(losses, references)
  }

  private func losses(
    of network: any Module, _ samples: [Int], in workspace: Workspace,
    report: (Int, Int) -> Void = { _, _ in }
  ) throws -> [Double] {
    let task = try pool.task(of: network, isMeasuring: true)
    workspace.isTraining = false
    return try samples.enumerated().map { index, sample in
      defer { report(index + 1, samples.count) }
      return try task.meanLoss(of: sample, in: workspace)
    }
  }

  // MARK: References

  /// A model trained on a random half of all samples, and its losses.
  struct Reference {
    /// Whether it has seen each of the samples asked for.
    let hasSeen: [Bool]
    let losses: [Double]
  }

  /// Of each two references one has seen a sample and the other has not.
  private func reference(
    _ number: Int, _ asked: [Int], report: (Int, Int) -> Void
  ) throws -> Reference {
    func isIn(_ sample: Int) -> Bool {
      draws.word(.halves, number / 2, at: sample) & 1 == UInt64(number % 2)
    }
    let half = (0..<pool.count).filter(isIn)
    var plan = configuration.plan.forTrial(
      steps: options.steps ?? trained.step ?? configuration.plan.steps)
    // Behind the largest seed comes 0.
    plan.seed = (plan.seed &+ (number + 1)) & Int.max
    // Multiplies as the run did, whatever the model is looked at with.
    let workspace = Workspace(
      threadCount: trained.workspace.threads.threadCount, for: plan)
    let network = try model(trainedOn: half, plan, number, in: workspace)
    return Reference(
      hasSeen: asked.map(isIn),
      losses: try losses(of: network, asked, in: workspace, report: report))
  }

  /// - Throws: `AuditError.reference` where a private run's plan does not suit so many samples.
  private func model(
    trainedOn half: [Int], _ plan: Plan, _ number: Int, in workspace: Workspace
  ) throws -> any Module {
    do {
      return try pool.trained(
        on: half, plan: plan, key: plan.privacy.isOn ? draws.key(number) : nil, in: workspace
      ).network
    } catch let error as AgreedError {
      guard let reason = error.underlying as? PrivacyError else { throw error }
      throw AuditError.reference(path: trained.path, samples: half.count, reason)
    }
  }

  // MARK: Scores

  private func report(_ losses: [Double], _ references: [Reference]) -> MembershipReport {
    var attacks = [attack("loss", losses.map { -$0 })]
    if !references.isEmpty {
      let scores = ReferenceScores(
        losses, references.map { ($0.hasSeen, $0.losses) },
        scale: pool.scale(of: configuration.loss))
      attacks.append(attack("loss against references", scores.differences))
      if references.count >= Self.fewestForLikelihoods {
        attacks.append(attack("likelihood ratio", scores.likelihoodRatios))
      }
    }
    let count = members.count
    func mean(_ numbers: ArraySlice<Double>) -> Double {
      numbers.reduce(0, +) / Double(numbers.count)
    }
    return MembershipReport(
      checkpoint: trained.path, unit: pool.unit, members: count, others: others.count,
      memberLoss: mean(losses[..<count]), otherLoss: mean(losses[count...]),
      references: references.count, attacks: attacks, promise: promise)
  }

  private func attack(_ name: String, _ scores: [Double]) -> MembershipReport.Attack {
    MembershipReport.Attack(
      name: name,
      ReceiverCurve(
        members: Array(scores[..<members.count]), others: Array(scores[members.count...])),
      members: members.count)
  }

  /// What a private run promises; nil of another one.
  private var promise: MembershipReport.Promise? {
    let privacy = configuration.plan.privacy
    guard privacy.isOn else { return nil }
    let plan = configuration.plan
    let expected = min(pool.memberCount, plan.batch.sequences * plan.batch.microbatches)
    let epsilon =
      privacy.epsilon
      ?? privacy.accountant.accountant(
        of: SubsampledGaussian(
          rate: Double(expected) / Double(pool.memberCount), noise: privacy.noise ?? 1)
      ).epsilon(afterSteps: trained.step ?? plan.steps, delta: privacy.delta)
    return MembershipReport.Promise(epsilon: epsilon, delta: privacy.delta)
  }
}

extension SamplePool {
  /// What the losses of a task with this loss are of.
  fileprivate func scale(of loss: LossConfiguration) -> LossScale {
    switch (content, loss.kind) {
    case (.sequences, _): .tokens
    // Of several questions at once there is no one probability.
    case (_, .binaryCrossEntropy): .tokens
    case (.samples(_, let description, _), _) where description.classes == nil: .values
    default: .classes
    }
  }
}
