// n samples, q sampling rate, σ noise multiplier, C clip.

import Foundation
import LockstepCheckpoints
import LockstepCommunication
import LockstepPrivacy
import LockstepReporting
import LockstepSettings

/// What makes the steps of a run private: which samples are drawn, how much noise there is, how many steps may be taken.
package final class PrivateTraining {
  let configuration: PrivacyConfiguration
  private(set) var sampling: PoissonSampling
  private let population: PrivatePopulation
  /// σ.
  private(set) var noise: Double
  /// The most steps that may be taken, of those planned.
  private(set) var allowedSteps: Int
  /// What they cost; on rank zero.
  private var budget: PrivacyBudget?
  private let session: PrivacySession
  /// Draws samples and noise.
  private var key: PrivacyKey
  /// A hash of all keys that the run drew with before this one, and of the steps at which it went on with another;
  /// empty: there was none.
  private var past = ""
  private let steps: Int
  /// The last ε that was computed, and for how many steps.
  private var told: (steps: Int, epsilon: Double)?
  private let communicator: any Communicator
  /// Whether a run that goes on draws other samples and noise than it would have.
  private var drawsOtherwise = false
  /// How gradients of samples are computed; nil: there was none yet.
  var way: Way?

  enum Way {
    case inBatches(of: Int)
    case sampleBySample

    var notice: String {
      switch self {
      case .inBatches(let count):
        "privacy: the gradients of samples are told apart in batches of up to \(count)"
      case .sampleBySample:
        "privacy: the gradients of samples are computed one by one, for not all that is trained belongs to linear "
          + "layers that are used once, without dropout and with one target for each sample"
      }
    }
  }

  /// Finds the noise, and how many steps the budget allows. Collective.
  ///
  /// - Throws: `AgreedError` with a `PrivacyError`.
  init(
    of population: @autoclosure () throws(PrivacyError) -> PrivatePopulation, plan: Plan,
    session: PrivacySession?, communicator: any Communicator
  ) throws {
    let configuration = plan.privacy
    (session: self.session, self.population, sampling) = try communicator.agree {
      guard let session else { throw PrivacyError.keyNotGiven }
      let population = try population()
      guard configuration.delta * Double(population.count) < 1 else {
        throw PrivacyError.largeDelta(delta: configuration.delta, count: population.count)
      }
      let sampling = try PoissonSampling(
        sampleCount: population.count, expectedCount: population.drawn,
        keystream: session.key.keystream)
      return (session, population, sampling)
    }
    (self.configuration, self.communicator, steps) = (configuration, communicator, plan.steps)
    key = self.session.key
    (noise, allowedSteps) = (configuration.noise ?? 0, 0)
    let rate = sampling.rate
    try settle {
      try configuration.noise
        ?? PrivacyBudget.noise(
          rate: rate, steps: plan.steps, epsilon: configuration.epsilon ?? .infinity,
          delta: configuration.delta, accountant: configuration.accountant)
    }
  }

  /// Samples of a step on the average, which its sum is divided by.
  var expectedCount: Double { Double(sampling.expectedCount) }

  /// The noise of a step's sum.
  var gaussian: GaussianNoise {
    GaussianNoise(deviation: noise * configuration.clip, keystream: key.keystream)
  }

  /// Takes rank zero's noise and what follows from it: logarithms may differ in their last bits among
  /// processors. Collective.
  private func settle(noise found: () throws -> Double) throws {
    let words = try communicator.valueFromRankZero {
      let noise = try found()
      let step = SubsampledGaussian(rate: sampling.rate, noise: noise)
      let budget = PrivacyBudget(of: step, configuration, steps: steps)
      if configuration.epsilon == nil || budget.allowedSteps < steps {
        _ = try configuration.accountant.epsilon(
          of: step, afterSteps: steps, delta: configuration.delta)
      }
      if budget.allowedSteps == 0, let limit = configuration.epsilon {
        throw PrivacyError.noStep(epsilon: limit, first: budget.epsilon(afterSteps: 1))
      }
      self.budget = budget
      return [noise.bitPattern, UInt64(budget.allowedSteps)]
    }
    (noise, allowedSteps) = (Double(bitPattern: words[0]), Int(words[1]))
    told = nil
  }

  // MARK: What is told

  /// ε after so many steps or a few more; nil on other ranks than zero.
  func epsilon(afterSteps step: Int) -> Double? {
    guard let budget else { return nil }
    let steps = budget.toldSteps(of: step)
    if let told, told.steps == steps { return told.epsilon }
    let epsilon = budget.epsilon(afterSteps: steps)
    told = (steps, epsilon)
    return epsilon
  }

  /// What the run came to; nil on other ranks than zero.
  func summary(afterSteps step: Int) -> PrivacySummary? {
    budget.map {
      PrivacySummary(
        epsilon: $0.epsilon(afterSteps: step), delta: configuration.delta, noise: noise,
        clip: configuration.clip, accountant: configuration.accountant.rawValue,
        samplingRate: sampling.rate, samples: sampling.sampleCount, unit: population.unit,
        keyFingerprint: session.fingerprint)
    }
  }

  /// "epsilon 3 at delta 1e-05 by PRV, noise 1.13, clip 1.0, of each image; key 0123456789abcdef".
  var line: String {
    let promised =
      configuration.epsilon.map { "epsilon \($0)" } ?? "epsilon counted, without a limit,"
    return
      "\(promised) at delta \(configuration.delta) by \(configuration.accountant.label), noise "
      + "\(noise), clip \(configuration.clip), for each \(population.unit); key \(session.fingerprint)"
  }

  /// "256 of 60000 samples a step on the average, each drawn by itself; 10.0 epochs in all".
  var batchLine: String {
    let epochs = sampling.rate * Double(steps)
    return
      "\(sampling.expectedCount) of \(sampling.sampleCount) samples a step on the average, each drawn by itself"
      + String(format: "; %.1f epochs in all", epochs)
  }

  /// What is said of a run whose budget ends it.
  func notice(plannedSteps: Int) -> String {
    "privacy: another step would cost more than epsilon \(configuration.epsilon ?? 0): the run ends "
      + "after \(allowedSteps) of \(plannedSteps) steps; a higher privacy.epsilon or privacy.noise would allow more"
  }

  /// What a user should know before the first step.
  var notices: [String] {
    [Self.exposure] + (drawsOtherwise ? [Self.otherDraws] : [])
  }

  private static let exposure =
    "privacy holds for the parameters alone: losses on the console, in metrics.jsonl, in TensorBoard and in "
    + "summary.json, and data.json, state.json and manifest.json of checkpoints are of the data as they are, and "
    + "not to be published"

  private static let otherDraws =
    "privacy: from here on the run draws other samples and other noise than it would have, because its data or the "
    + "version of Lockstep are others. A step that was published before and is now taken once more costs twice, and "
    + "the epsilon told counts it once"

  // MARK: Checkpoints

  /// What a checkpoint keeps of it: with the step that is all an accountant needs.
  struct Memory: Encodable, Equatable, Configurable {
    /// A fingerprint of the key in the file.
    var key = ""
    /// σ.
    var noise = 1.0
    /// q; 0: a version before this one did not keep it.
    var rate = 0.0
    /// Of the key that samples and noise are drawn with; empty: likewise.
    var drawingKey = ""
    /// Of the keys before that one; empty: there was none.
    var past = ""

    static var fields: [Field<Self>] {
      [
        Field("key", \.key, .notEmpty, meaning: "The fingerprint of the run's key."),
        Field("noise", \.noise, .above(0), meaning: "The noise of all steps, over the clip."),
        Field(
          "rate", \.rate, .within(0...1),
          meaning: "The probability with which a step draws a sample."),
        Field(
          "drawingKey", \.drawingKey,
          meaning: "The fingerprint of the key that samples and noise are drawn with."),
        Field("past", \.past, meaning: "A hash of the keys that the run drew with before."),
      ]
    }
  }

  static let noteName = "privacy"

  var memory: Memory {
    Memory(
      key: session.fingerprint, noise: noise, rate: sampling.rate, drawingKey: key.fingerprint,
      past: past)
  }

  /// Goes on as the run began. Collective.
  ///
  /// - Parameters:
  ///   - memory: What the checkpoint keeps.
  ///   - step: Optimiser steps taken.
  /// - Throws: `AgreedError` with a `PrivacyError` where that is another key, rate or noise.
  func resume(from memory: Memory?, step: Int) throws {
    guard let memory else { return }
    try communicator.agree {
      guard memory.key == session.fingerprint else {
        throw PrivacyError.otherKey(
          path: session.path, stored: memory.key, found: session.fingerprint)
      }
      guard memory.rate == 0 || memory.rate == sampling.rate else {
        throw PrivacyError.otherRate(
          stored: memory.rate, found: sampling.rate, count: sampling.sampleCount)
      }
      guard abs(memory.noise - noise) <= 0.001 * noise else {
        throw PrivacyError.otherNoise(stored: memory.noise, found: noise)
      }
    }
    if memory.noise != noise { try settle { memory.noise } }
    draw(after: memory.past)
    drawsOtherwise = memory.drawingKey != key.fingerprint
    guard drawsOtherwise else { return }
    // A run that has had these data from its start, and took other steps before, shares no noise with this one.
    draw(after: sha256(of: Array("\(memory.past) \(memory.drawingKey) \(step)".utf8)))
  }

  private func draw(after past: String) {
    self.past = past
    key = past.isEmpty ? session.key : session.key.derived(after: past)
    sampling.keystream = key.keystream
  }
}
