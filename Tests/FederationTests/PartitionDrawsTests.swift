import Foundation
import LockstepFederation
import Testing

@Suite struct PartitionDrawsTests {
  private func draws(_ seed: UInt64 = 5) -> PartitionDraws {
    PartitionDraws(seed: seed, for: .proportions)
  }

  /// The mean, and four standard errors of it.
  private func mean(_ values: [Double]) -> (value: Double, error: Double) {
    let count = Double(values.count)
    let mean = values.reduce(0, +) / count
    let variance = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / (count - 1)
    return (mean, 4 * (variance / count).squareRoot())
  }

  private func expectMean(
    _ values: [Double], _ expected: Double, _ what: String,
    at place: SourceLocation = #_sourceLocation
  ) {
    let (value, error) = mean(values)
    #expect(
      abs(value - expected) <= error, "\(what): \(value), not \(expected) ± \(error)",
      sourceLocation: place)
  }

  @Test func numbersAreEquallyOftenAndNeverTheBound() {
    var draws = draws()
    var counts = [Double](repeating: 0, count: 7)
    for _ in 0..<70_000 { counts[draws.number(below: 7)] += 1 }
    // 6 degrees of freedom: above 22.5 once in 1,000 seeds; this one is fixed.
    #expect(counts.reduce(0) { $0 + ($1 - 10_000) * ($1 - 10_000) / 10_000 } < 22.5)
  }

  @Test func allOrdersAreEquallyOften() {
    var draws = draws()
    var counts: [[Int]: Double] = [:]
    for _ in 0..<24_000 { counts[draws.shuffled([0, 1, 2, 3]), default: 0] += 1 }
    #expect(counts.count == 24)
    // 23 degrees of freedom: above 49.7 once in 1,000 seeds.
    #expect(counts.values.reduce(0) { $0 + ($1 - 1_000) * ($1 - 1_000) / 1_000 } < 49.7)
  }

  @Test(arguments: [0.05, 0.5, 1, 3.7])
  func gammaNumbersHaveTheMomentsOfTheirDistribution(shape: Double) {
    var draws = draws()
    let logarithms = (0..<40_000).map { _ in draws.logGamma(shape: shape) }
    let numbers = logarithms.map { exp($0) }
    expectMean(numbers, shape, "mean")
    expectMean(numbers.map { $0 * $0 }, shape * (shape + 1), "second moment")
    // The derivative of the logarithm of the gamma function.
    let digamma = (lgamma(shape * 1.0001) - lgamma(shape * 0.9999)) / (shape * 0.0002)
    expectMean(logarithms, digamma, "mean of the logarithm")
  }

  @Test(arguments: [(3, 0.1), (10, 0.5), (4, 20)])
  func proportionsHaveTheMomentsOfDirichlet(count: Int, alpha: Double) {
    var draws = draws()
    let drawn = (0..<20_000).map { _ in draws.dirichlet(count: count, alpha: alpha) }
    #expect(drawn.allSatisfy { abs($0.reduce(0, +) - 1) < 1e-12 })
    let (clients, total) = (Double(count), Double(count) * alpha)
    for client in [0, count - 1] { expectMean(drawn.map { $0[client] }, 1 / clients, "mean") }
    expectMean(
      drawn.map { $0[1] * $0[1] }, (alpha + 1) / (clients * (total + 1)), "second moment")
    expectMean(
      drawn.map { $0[0] * $0[count - 1] }, alpha / (clients * (total + 1)), "mixed moment")
  }

  @Test func streamsOfPurposesAndClassesAreDifferent() {
    let purposes: [PartitionDraws.Purpose] = [.order, .shards, .proportions, .filling]
    let words = purposes.flatMap { purpose in
      (0..<3).flatMap { number in
        var draws = PartitionDraws(seed: 1, for: purpose, of: number)
        return [draws.word(), draws.word(), draws.word()]
      }
    }
    #expect(Set(words).count == words.count)
  }
}
