import CLockstepKernels
import Testing

/// The noise's kernel beside its formula, one number at a time.
@Suite struct NoiseKernelTests {
  /// Element 2k and 2k + 1, as documented.
  private func expected(_ words: [UInt64], deviation: Double, _ values: [Float]) -> [Float] {
    func unit(_ word: UInt64) -> Double { (Double(word >> 11) + 0.5) * 0x1p-53 }
    return values.indices.map { index in
      let own = words[index / 2 * 8..<index / 2 * 8 + 8]
      var sum = 0.0
      for part in stride(from: own.startIndex, to: own.endIndex, by: 2) {
        let radius = (-2 * CKernels_log(unit(own[part]))).squareRoot()
        var (sine, cosine) = (0.0, 0.0)
        CKernels_sineAndCosine(unit(own[part + 1]) * 6.283185307179586, &sine, &cosine)
        sum += radius * (index.isMultiple(of: 2) ? cosine : sine)
      }
      return Float(Double(values[index]) + deviation * (sum * 0.5))
    }
  }

  private func noisy(_ words: [UInt64], deviation: Double, _ values: [Float]) -> [Float] {
    var values = values
    CKernels_addNoise(words, deviation, &values, Int64(values.count))
    return values
  }

  private func requireEqual(_ words: [UInt64], count: Int, deviation: Double = 0.75) {
    func require(_ values: [Float]) -> [Float] {
      let (found, expected) = (
        noisy(words, deviation: deviation, values), expected(words, deviation: deviation, values)
      )
      #expect(found.map(\.bitPattern) == expected.map(\.bitPattern), "\(count) elements")
      return found
    }
    _ = require((0..<count).map { Float($0) / 7 - 3 })
    // What is left of a number in double precision without the float that is nearest: its last bits.
    let nearest = require([Float](repeating: 0, count: count))
    _ = require(nearest.map { -$0 })
  }

  @Test func everyElementHasTheBitsOfTheFormula() {
    var generator = SystemRandomNumberGenerator()
    let words = (0..<80_000).map { _ in generator.next() as UInt64 }
    requireEqual(words, count: 20_000)
    requireEqual(words, count: 20_000, deviation: 1e-9)
  }

  @Test func aPieceOfAnyLengthHasTheBitsOfTheFormulaAndNothingBehindIt() {
    let words = (0..<400).map { UInt64($0) &* 0x9E37_79B9_7F4A_7C15 }
    for count in 0...67 { requireEqual(words, count: count) }
    var values = [Float](repeating: 5, count: 40)
    CKernels_addNoise(words, 1, &values, 21)
    #expect(values[21...].allSatisfy { $0 == 5 })
  }

  /// The smallest and the largest numbers, and those around the borders of quadrants and of the logarithm's series.
  @Test func theEndsOfTheUniformNumbersHaveTheBitsOfTheFormula() {
    let borders = [0, 1, 2, 3, 4, 5, 6, 7, 8].map { UInt64(1) << 61 &* $0 }
    let root = UInt64(0.5.squareRoot() * 0x1p64)
    let special: [UInt64] =
      (borders + [root, root / 2, root / 4]).flatMap { middle in
        [-4096, -2048, -1, 0, 1, 2048, 4096].map { middle &+ UInt64(bitPattern: $0) }
      } + (0..<64).map { UInt64(1) << UInt64($0) }
    let words = special.flatMap { first in special.map { (first, $0) } }.flatMap { [$0.0, $0.1] }
    let whole = words.count / 8 * 8
    requireEqual(Array(words[..<whole]), count: whole / 4)
  }
}
