// q sampling rate, σ noise multiplier, T steps.

import Foundation
import LockstepPrivacy
import Testing

@Suite struct AccountantTests {
  /// What `scripts/check_privacy.py` wrote.
  private struct Fixture: Decodable {
    struct Case: Decodable {
      let rate, noise, delta: Double
      let steps: Int
      /// By dp-accounting's privacy loss distributions, and by its Rényi divergences.
      let prv: Double
      let rdp: Double
    }

    let cases: [Case]
  }

  private static func cases() throws -> [Fixture.Case] {
    let url = try #require(
      Bundle.module.url(
        forResource: "accountants", withExtension: "json", subdirectory: "Fixtures"))
    return try JSONDecoder().decode(Fixture.self, from: Data(contentsOf: url)).cases
  }

  @Test func epsilonIsThatOfDPAccounting() throws {
    let cases = try Self.cases()
    #expect(cases.count >= 20)
    for one in cases {
      let step = SubsampledGaussian(rate: one.rate, noise: one.noise)
      var both: [Double] = []
      for (name, expected) in [(AccountantName.prv, one.prv), (.rdp, one.rdp)] {
        let found = name.accountant(of: step).epsilon(afterSteps: one.steps, delta: one.delta)
        #expect(
          abs(found - expected) <= 0.005 * expected,
          "\(name) of rate \(one.rate), noise \(one.noise), \(one.steps) steps: \(found), not \(expected)"
        )
        both.append(found)
      }
      #expect(both[0] < both[1], "the tighter accountant is below the other")
    }
  }

  /// The exact δ of T steps that see all samples (Balle and Wang, 2018): normal losses stay normal.
  private func exactDelta(epsilon: Double, noise: Double, steps: Int) -> Double {
    let ratio = Double(steps).squareRoot() / noise
    func normal(_ x: Double) -> Double { 0.5 * erfc(-x / 2.0.squareRoot()) }
    return normal(ratio / 2 - epsilon / ratio)
      - exp(epsilon) * normal(-ratio / 2 - epsilon / ratio)
  }

  @Test(
    arguments: [(0.7, 1), (5.0, 1), (2.0, 10), (20.0, 1000), (100.0, 10_000)],
    [1e-3, 1e-8])
  func withoutSamplingEpsilonIsExactFromAbove(step: (noise: Double, steps: Int), delta: Double) {
    let accountant = AccountantName.prv.accountant(
      of: SubsampledGaussian(rate: 1, noise: step.noise))
    let epsilon = accountant.epsilon(afterSteps: step.steps, delta: delta)
    // Never too low, and 0.05 % lower would be too low.
    #expect(
      exactDelta(epsilon: epsilon, noise: step.noise, steps: step.steps) <= delta * (1 + 1e-9))
    #expect(
      exactDelta(epsilon: epsilon * 0.9995, noise: step.noise, steps: step.steps) > delta)
  }

  /// δ of one step that draws samples, in both directions, by its formula.
  private func exactDelta(epsilon: Double, rate: Double, noise: Double) -> Double {
    func normal(_ x: Double) -> Double { 0.5 * erfc(-x / 2.0.squareRoot()) }
    func place(_ ratio: Double) -> Double {
      ratio <= 1 - rate
        ? -.infinity : noise * noise * log((ratio - 1 + rate) / rate) + 0.5
    }
    let (removed, added) = (place(exp(epsilon)), place(exp(-epsilon)))
    let removal =
      rate * normal((1 - removed) / noise)
      - (exp(epsilon) - 1 + rate) * normal(-removed / noise)
    let addition =
      (1 - exp(epsilon) * (1 - rate)) * normal(added / noise)
      - exp(epsilon) * rate * normal((added - 1) / noise)
    return max(removal, addition)
  }

  @Test(arguments: [0.001, 0.05, 0.5], [0.5, 1, 3]) func oneStepIsExactFromAbove(
    rate: Double, noise: Double
  ) {
    let accountant = AccountantName.prv.accountant(of: SubsampledGaussian(rate: rate, noise: noise))
    let delta = 1e-6
    let epsilon = accountant.epsilon(afterSteps: 1, delta: delta)
    guard epsilon > 0 else {
      #expect(exactDelta(epsilon: 0, rate: rate, noise: noise) <= delta)
      return
    }
    #expect(exactDelta(epsilon: epsilon, rate: rate, noise: noise) <= delta * (1 + 1e-9))
    #expect(exactDelta(epsilon: epsilon * 0.998, rate: rate, noise: noise) > delta)
  }

  @Test(arguments: [0.01, 0.1, 100], [1e-6, 0.25, 1]) func noNoiseAndNoRateIsTooMuch(
    noise: Double, rate: Double
  ) {
    let step = SubsampledGaussian(rate: rate, noise: noise)
    for name in AccountantName.allCases {
      let epsilons = [1, 100].map { name.accountant(of: step).epsilon(afterSteps: $0, delta: 1e-5) }
      #expect(epsilons.allSatisfy { $0 >= 0 && !$0.isNaN } && epsilons[0] <= epsilons[1])
    }
  }

  @Test(arguments: AccountantName.allCases) func morePrivacyNeverCostsMore(name: AccountantName) {
    func epsilon(_ rate: Double, _ noise: Double, _ steps: Int, _ delta: Double) -> Double {
      name.accountant(of: SubsampledGaussian(rate: rate, noise: noise))
        .epsilon(afterSteps: steps, delta: delta)
    }
    let middle = epsilon(0.02, 1, 500, 1e-5)
    #expect(epsilon(0.01, 1, 500, 1e-5) < middle)
    #expect(epsilon(0.02, 1.1, 500, 1e-5) < middle)
    #expect(epsilon(0.02, 1, 499, 1e-5) < middle)
    #expect(epsilon(0.02, 1, 500, 2e-5) < middle)
    #expect(epsilon(0.02, 1, 0, 1e-5) == 0)
  }

  @Test(arguments: AccountantName.allCases, [0.5, 20])
  func theNoiseThatIsFoundIsEnoughAndNotTooMuch(name: AccountantName, epsilon: Double) throws {
    let (rate, steps, delta) = (0.1, 100, 1e-5)
    let noise = try PrivacyBudget.noise(
      rate: rate, steps: steps, epsilon: epsilon, delta: delta, accountant: name)
    func spent(_ noise: Double) -> Double {
      name.accountant(of: SubsampledGaussian(rate: rate, noise: noise))
        .epsilon(afterSteps: steps, delta: delta)
    }
    #expect(spent(noise) <= epsilon)
    #expect(spent(noise * 0.998) > epsilon)
    // Four digits.
    #expect("\(noise)".filter(\.isNumber).drop { $0 == "0" }.count <= 4)
  }

  @Test func anEpsilonOutOfReachIsRefused() {
    #expect(throws: PrivacyError.unreachable(epsilon: 1e-9, delta: 1e-12)) {
      try PrivacyBudget.noise(
        rate: 1, steps: 100, epsilon: 1e-9, delta: 1e-12, accountant: .prv)
    }
  }

  /// With them nothing of δ is left, whatever the noise.
  @Test func roundingThatExceedsDeltaIsRefused() throws {
    let (steps, delta) = (1_000_000, 1e-12)
    #expect(throws: PrivacyError.roundedDelta(delta: delta, steps: steps)) {
      try PrivacyBudget.noise(rate: 0.01, steps: steps, epsilon: 1, delta: delta, accountant: .prv)
    }
    let step = SubsampledGaussian(rate: 0.01, noise: 50)
    #expect(throws: PrivacyError.roundedDelta(delta: delta, steps: steps)) {
      try AccountantName.prv.epsilon(of: step, afterSteps: steps, delta: delta)
    }
    #expect(try AccountantName.rdp.epsilon(of: step, afterSteps: steps, delta: delta) < 10)
    #expect(try AccountantName.prv.epsilon(of: step, afterSteps: steps, delta: 1e-7) < 10)
  }

  @Test(arguments: [0.01, 1000], [1e-12, 0.3, 1])
  func theEndsOfAllRangesAreCounted(noise: Double, rate: Double) {
    let step = SubsampledGaussian(rate: rate, noise: noise)
    for name in AccountantName.allCases {
      for (steps, delta) in [(1, 1e-12), (1_000_000_000_000, 0.1)] {
        let epsilon = name.accountant(of: step).epsilon(afterSteps: steps, delta: delta)
        #expect(epsilon >= 0, "\(name), \(steps) steps, delta \(delta): \(epsilon)")
      }
    }
  }

  @Test func whatIsToldIsNeverLessThanWhatIsSpent() {
    var configuration = PrivacyConfiguration()
    configuration.epsilon = 2
    let budget = PrivacyBudget(
      of: SubsampledGaussian(rate: 0.01, noise: 0.9), configuration, steps: 3000)
    #expect(budget.allowedSteps < 3000)
    for step in [1, 2, 12, 13, 500, budget.allowedSteps] {
      let told = budget.toldSteps(of: step)
      #expect(step <= told && told <= budget.allowedSteps && told - step < 12)
    }
    #expect(budget.epsilon(afterSteps: budget.allowedSteps) <= 2)
    #expect(budget.epsilon(afterSteps: budget.allowedSteps + 1) > 2)
  }
}
