import Foundation
import LockstepAudits
import LockstepPrivacy
import TestSupport
import Testing

/// Bounds, areas and ranks against values that others have computed, or that follow by hand.
@Suite struct StatisticsTests {
  struct Bounds: Sendable {
    let successes, tries: Int
    let lower, upper: Double
  }

  /// `scipy.stats.beta.ppf`, which R's `binom.test` agrees with.
  @Test(arguments: [
    Bounds(successes: 0, tries: 10, lower: 0, upper: 0.3084971078187607),
    Bounds(successes: 3, tries: 10, lower: 0.06673951117773447, upper: 0.6524528500599973),
    Bounds(successes: 10, tries: 10, lower: 0.6915028921812392, upper: 1),
    Bounds(successes: 250, tries: 250, lower: 0.9853528113643196, upper: 1),
    Bounds(successes: 47, tries: 100, lower: 0.3694051641943945, upper: 0.5724185151099548),
    Bounds(successes: 1, tries: 1000, lower: 2.531748749129404e-05, upper: 0.005558924279826672),
  ])
  func binomialBoundsAreThoseOfClopperAndPearson(bounds: Bounds) {
    let interval = BinomialInterval(successes: bounds.successes, of: bounds.tries, tail: 0.025)
    #expect(abs(interval.lower - bounds.lower) < 1e-10)
    #expect(abs(interval.upper - bounds.upper) < 1e-10)
  }

  /// `scipy.special.betainc`.
  @Test func incompleteBetaIsThatOfSciPy() {
    #expect(abs(IncompleteBeta.regularized(0.3, 2.5, 7) - 0.6412224629717214) < 1e-12)
    #expect(abs(IncompleteBeta.regularized(0.99, 300, 2) - 0.19616357628514303) < 1e-12)
  }

  @Test func theAreaIsTheShareOfPairsInTheRightOrder() {
    var generator = SeededGenerator(seed: 3)
    // Whole numbers, so that there are ties.
    let members = (0..<57).map { _ in Double(Int.random(in: 0..<9, using: &generator)) }
    let others = (0..<41).map { _ in Double(Int.random(in: -3..<7, using: &generator)) }
    let pairs = members.flatMap { member in
      others.map { member > $0 ? 1.0 : member == $0 ? 0.5 : 0 }
    }
    let area = ReceiverCurve(members: members, others: others).area
    #expect(abs(area.value - pairs.reduce(0, +) / Double(pairs.count)) < 1e-12)
    // By leaving out one at a time, which DeLong's variance is the limit of.
    #expect(area.error > 0.02 && area.error < 0.08)
  }

  @Test func theErrorOfAnAreaIsItsSpread() {
    var generator = SeededGenerator(seed: 8)
    var (values, errors) = ([Double](), [Double]())
    for _ in 0..<400 {
      let members = generator.normals(60).map { Double($0) + 0.5 }
      let area = ReceiverCurve(members: members, others: generator.normals(40).map(Double.init))
        .area
      values.append(area.value)
      errors.append(area.error)
    }
    let mean = values.reduce(0, +) / 400
    let spread = (values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / 399).squareRoot()
    #expect(abs(spread / (errors.reduce(0, +) / 400) - 1) < 0.1)
    // Φ(0.5 / √2).
    #expect(abs(mean - 0.6381631950841185) < 0.01)
  }

  @Test func ratesAreCountedAboveWhatMayBeMistaken() {
    let curve = ReceiverCurve(
      members: [9, 8, 7, 3, 1], others: [7.5, 6, 5, 4, 3, 2, 1, 0, -1, -2])
    // One of ten may be above: those above the second, 6.
    #expect(curve.found(atFalsePositives: 0.1) == 3)
    #expect(curve.found(atFalsePositives: 0.2) == 3)
    #expect(curve.found(atFalsePositives: 0.5) == 4)
    #expect(curve.found(atFalsePositives: 1) == 5)
    #expect(curve.found(atFalsePositives: 0.01) == nil)
  }

  @Test func exposureIsTheLogarithmOfTheShareThatIsAsLikely() {
    let first = Exposure(loss: 1, among: (2...1024).map(Double.init))
    #expect(first.bits == 10)
    let last = Exposure(loss: 2000, among: (1...1023).map(Double.init))
    #expect(last.bits == 0)
    #expect(abs(Exposure(loss: 5, among: [5, 5, 5]).bits - log2(4 / 2.5)) < 1e-12)
    // `scipy.stats.gamma.sf(16 log 2, 3)`.
    let chance = Exposure.chance(
      of: [3, 5, 8].map { bits in
        Exposure(loss: 0, among: (0..<255).map { $0 < 1 << (8 - bits) - 1 ? -1.0 : 1 })
      })
    #expect(abs(chance - 0.0011228689677503796) < 1e-12)
  }

  /// Numbers of mean 0 without the sample and of mean 1 / σ with it: a Gaussian mechanism, whose ε is known.
  @Test(arguments: [0.5, 1, 2])
  func theBoundIsBelowTheTrueEpsilonAndNotFarFromIt(noise: Double) {
    let (delta, runs, tries) = (1e-5, 1000, 40)
    let truth = AccountantName.prv.accountant(of: SubsampledGaussian(rate: 1, noise: noise))
      .epsilon(afterSteps: 1, delta: delta)
    var generator = SeededGenerator(seed: 11)
    var (above, sum) = (0, 0.0)
    for _ in 0..<tries {
      let with = generator.normals(runs / 2).map { Double($0) + 1 / noise }
      let bound = EpsilonBound(
        with: [with], without: [generator.normals(runs / 2).map(Double.init)], delta: delta,
        confidence: 0.95)
      if bound.epsilon > truth { above += 1 }
      sum += bound.epsilon
    }
    #expect(above <= 1)
    #expect(sum / Double(tries) > truth * 0.1)
    #expect(
      sum / Double(tries) <= EpsilonBound.largest(runs: runs, delta: delta, confidence: 0.95))
  }

  @Test func runsThatDoNotDifferShowNothing() {
    var generator = SeededGenerator(seed: 2)
    let numbers = (0..<2).map { _ in generator.normals(400).map(Double.init) }
    let bound = EpsilonBound(
      with: [numbers[0]], without: [numbers[1]], delta: 0, confidence: 0.95)
    #expect(bound.epsilon < 0.2)
  }
}
