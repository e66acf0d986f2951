import CLockstepKernels

/// Random numbers that a partition is made of: Philox 4x32-10, as all of a run's, and functions that have the same
/// bits on every processor.
package struct PartitionDraws {
  /// What numbers are drawn for, each from a stream of its own. The values never change: they decide partitions.
  package enum Purpose: UInt32 {
    /// The order of samples.
    case order = 0
    /// Which shard goes to whom.
    case shards = 1
    /// How much of a class each client gets.
    case proportions = 2
    /// What clients with too few samples get.
    case filling = 3
  }

  /// Tells these streams from those of `RandomPurpose`, which are of the same seed.
  private static let site: UInt32 = 9 << 24

  private var stream: CKernels_RandomStream
  private var position: UInt32 = 0
  private var spare: UInt64?

  /// - Parameter number: Of a class, where each has numbers of its own.
  package init(seed: UInt64, for purpose: Purpose, of number: Int = 0) {
    stream = CKernels_RandomStream(
      seed: seed, site: Self.site, step: purpose.rawValue,
      microbatch: UInt32(truncatingIfNeeded: number))
  }

  /// 64 random bits.
  package mutating func word() -> UInt64 {
    if let word = spare {
      spare = nil
      return word
    }
    var words: (UInt32, UInt32, UInt32, UInt32) = (0, 0, 0, 0)
    withUnsafeMutableBytes(of: &words) {
      CKernels_philox(&stream, position, $0.assumingMemoryBound(to: UInt32.self).baseAddress)
    }
    position &+= 1
    spare = UInt64(words.2) << 32 | UInt64(words.3)
    return UInt64(words.0) << 32 | UInt64(words.1)
  }

  /// A number in 0 ..< bound, each with the same probability but for 2⁻⁶⁴ · bound.
  package mutating func number(below bound: Int) -> Int {
    Int(word().multipliedFullWidth(by: UInt64(bound)).high)
  }

  /// The list in random order: Fisher and Yates, as Durstenfeld wrote it.
  package mutating func shuffled(_ list: [Int]) -> [Int] {
    var list = list
    for place in stride(from: list.count - 1, to: 0, by: -1) {
      list.swapAt(place, number(below: place + 1))
    }
    return list
  }

  /// Above 0 and below 1, 53 bits.
  package mutating func uniform() -> Double { (Double(word() >> 11) + 0.5) * 0x1p-53 }

  /// Of mean 0 and deviation 1, after Box and Muller, of which one number of two is taken.
  package mutating func normal() -> Double {
    let radius = (-2 * CKernels_log(uniform())).squareRoot()
    var (sine, cosine) = (0.0, 0.0)
    CKernels_sineAndCosine(uniform() * (2 * .pi), &sine, &cosine)
    return radius * cosine
  }

  /// The logarithm of a number of the gamma distribution with scale 1.
  ///
  /// G. Marsaglia and W. Tsang, "A simple method for generating gamma variables", 2000. Logarithms, because for small
  /// shapes the number itself may be too small for a `Double`.
  package mutating func logGamma(shape: Double) -> Double {
    // For shapes below 1: a number for shape + 1 times a uniform one to the power of 1 / shape.
    if shape < 1 { return logGamma(shape: shape + 1) + CKernels_log(uniform()) / shape }
    let scale = shape - 1.0 / 3
    let width = 1 / (9 * scale).squareRoot()
    while true {
      let x = normal()
      let root = 1 + width * x
      guard root > 0 else { continue }
      let cube = root * root * root
      let logCube = CKernels_log(cube)
      if CKernels_log(uniform()) < 0.5 * x * x + scale - scale * cube + scale * logCube {
        return CKernels_log(scale) + logCube
      }
    }
  }

  /// Proportions, which add up to 1, of the symmetric Dirichlet distribution: gamma numbers, divided by their sum.
  package mutating func dirichlet(count: Int, alpha: Double) -> [Double] {
    let logarithms = (0..<count).map { _ in logGamma(shape: alpha) }
    let largest = logarithms.max() ?? 0
    // What is e^-700 of the largest has no sample anyway.
    let sizes = logarithms.map { CKernels_exp($0 - largest) }
    let sum = sizes.reduce(0, +)
    return sizes.map { $0 / sum }
  }
}
