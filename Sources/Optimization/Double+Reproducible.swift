import CLockstepKernels

/// The few functions that learning rates and bias corrections need, from additions and products
/// alone.
///
/// The C library picks its `pow` and `cos` by processor, and their last bit differs between them;
/// ranks on unlike machines would then step by unlike rates.
extension Double {
  /// The power of a whole number, by repeated squaring.
  package func raised(to exponent: Int) -> Double {
    precondition(exponent >= 0, "exponents are not negative, as \(exponent) is")
    var (result, square, rest) = (1.0, self, exponent)
    while rest > 0 {
      if rest & 1 == 1 { result *= square }
      square *= square
      rest >>= 1
    }
    return result
  }

  /// Any power of a number that is not negative, where the result is within e^±700; exact for 0 and
  /// 1 and the powers 1 and 2.
  package func raised(to exponent: Double) -> Double {
    if self == 0 || self == 1 { return self }
    if exponent == 1 { return self }
    if exponent == 2 { return self * self }
    return CKernels_power(self, exponent)
  }

  /// cos(π x) for x in 0 ... 1, exact at 0, 1/2 and 1, elsewhere within 4e-16.
  ///
  /// Equals -sin(π (x - 1/2)), whose Taylor series has converged after twelve terms.
  package static func cosineOfHalfTurns(_ x: Double) -> Double {
    precondition((0...1).contains(x), "half turns in 0 ... 1, not \(x)")
    if x == 0 { return 1 }
    if x == 1 { return -1 }
    let angle = (x - 0.5) * .pi
    let square = angle * angle
    // Horner's scheme: angle · (1 - square/2·3 (1 - square/4·5 (1 - …))).
    var sum = 1.0
    for term in stride(from: 11, through: 1, by: -1) {
      sum = 1 - square / Double(2 * term * (2 * term + 1)) * sum
    }
    return -angle * sum
  }
}
