import LockstepSettings

/// What a run's steps cost, and how many it may take.
package struct PrivacyBudget: Sendable {
  package let step: SubsampledGaussian
  /// ε that may be spent; nil: any.
  package let limit: Double?
  package let delta: Double
  package let accountant: AccountantName
  /// The most steps that stay within the limit, of those planned.
  package let allowedSteps: Int
  /// Between the steps whose ε is computed.
  private let interval: Int
  private let counted: any PrivacyAccountant

  /// - Parameters:
  ///   - step: What each step is.
  ///   - configuration: `epsilon`, `delta` and `accountant` are used.
  ///   - steps: Planned.
  package init(of step: SubsampledGaussian, _ configuration: PrivacyConfiguration, steps: Int) {
    self.step = step
    (limit, delta) = (configuration.epsilon, configuration.delta)
    accountant = configuration.accountant
    counted = accountant.accountant(of: step)
    interval = max(1, (steps + 255) / 256)
    let (counted, delta) = (counted, delta)
    allowedSteps =
      limit.map { limit in
        Self.last(in: 0...steps) { counted.epsilon(afterSteps: $0, delta: delta) <= limit }
      } ?? steps
  }

  /// ε of so many steps.
  package func epsilon(afterSteps steps: Int) -> Double {
    counted.epsilon(afterSteps: steps, delta: delta)
  }

  /// The steps whose ε is told when so many are taken: as many or a few more, so that what is told is never less
  /// than what is spent.
  package func toldSteps(of steps: Int) -> Int {
    min(max(allowedSteps, steps), (steps + interval - 1) / interval * interval)
  }

  /// The last number that satisfies what all below it satisfy; the first of the range where none does.
  private static func last(in range: ClosedRange<Int>, where isWithin: (Int) -> Bool) -> Int {
    if isWithin(range.upperBound) { return range.upperBound }
    var (low, high) = (range.lowerBound, range.upperBound)
    while high - low > 1 {
      let middle = low + (high - low) / 2
      if isWithin(middle) { low = middle } else { high = middle }
    }
    return low
  }

  /// The smallest σ with which the steps cost at most `epsilon`, rounded up to four digits: so that the last bits
  /// of the processors' logarithms do not decide it.
  ///
  /// - Throws: `PrivacyError.unreachable`, `.roundedDelta`.
  package static func noise(
    rate: Double, steps: Int, epsilon: Double, delta: Double, accountant: AccountantName
  ) throws(PrivacyError) -> Double {
    func isEnough(_ noise: Double) -> Bool {
      accountant.accountant(of: SubsampledGaussian(rate: rate, noise: noise))
        .epsilon(afterSteps: steps, delta: delta) <= epsilon
    }
    var (low, high) = (largestNoise, 1.0)
    while !isEnough(high) {
      guard high < largestNoise else {
        _ = try accountant.epsilon(
          of: SubsampledGaussian(rate: rate, noise: high), afterSteps: steps, delta: delta)
        throw .unreachable(epsilon: epsilon, delta: delta)
      }
      high *= 2
    }
    low = high / 2
    while low > smallestNoise, isEnough(low) { (low, high) = (low / 2, low) }
    while high / low > 1.00002 {
      let middle = (low * high).squareRoot()
      if isEnough(middle) { high = middle } else { low = middle }
    }
    var noise = roundedUp(high)
    while !isEnough(noise) { noise = roundedUp(noise.nextUp) }
    return noise
  }

  private static let largestNoise = 65_536.0
  private static let smallestNoise = 0.01

  /// To four significant digits.
  private static func roundedUp(_ number: Double) -> Double {
    var unit = 1e-10
    while number / unit >= 10_000 { unit *= 10 }
    let digits = (number / unit).rounded(.up)
    // A decimal number, as it would be written: digits times a power of ten, divided where that is below one.
    return unit < 1 ? digits / (1 / unit).rounded() : digits * unit.rounded()
  }
}
