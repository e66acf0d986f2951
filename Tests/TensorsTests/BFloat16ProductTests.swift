import CLockstepKernels
import LockstepParallelism
import LockstepTensors
import TestSupport
import Testing

#if arch(x86_64)
  import TilesInSoftware
#endif

#if canImport(Glibc)
  import Glibc
#endif

/// Products of factors rounded to bfloat16. They are compared with the order as CKernels_matrixProduct.h
/// describes it, computed here without any vector: on a processor with AMX that is a proof that the
/// description is the instruction's.
@Suite struct BFloat16ProductTests {
  private static func differing(_ a: [Float], _ b: [Float]) -> Int {
    zip(a, b).count { $0.bitPattern != $1.bitPattern && !($0.isNaN && $1.isNaN) }
  }

  @Test(arguments: NumberKind.allCases)
  func everyProcessorLevelComputesTheDocumentedOrder(kind: NumberKind) {
    var generator = SeededGenerator(seed: 11)
    for _ in 0..<40 {
      let product = BFloat16Product(
        kind, rows: .random(in: 1...70, using: &generator),
        columns: .random(in: 1...70, using: &generator),
        inner: .random(in: 1...100, using: &generator), using: &generator)
      let documented = product.documented
      for way in BFloat16Product.Way.all {
        for (roundsA, roundsB) in [(false, false), (true, false), (false, true), (true, true)] {
          let result = product.result(by: way, roundsA: roundsA, roundsB: roundsB)
          #expect(
            Self.differing(result, documented) == 0,
            "\(way), rounded: \(roundsA), \(roundsB), \(product.name)")
        }
      }
      #expect(Self.differing(product.packedResult(), documented) == 0, "\(product.name)")
      #if arch(x86_64)
        if TilesInSoftware_canRun() != 0 {
          let result = product.packedResultOfTilesInSoftware()
          #expect(Self.differing(result, documented) == 0, "tiles, \(product.name)")
        }
      #endif
    }
  }

  /// More than what is packed at a time, along each dimension.
  @Test(arguments: [(8, 64, 1600), (2080, 40, 33), (5, 1300, 900), (3, 77, 1600), (4, 50, 40)])
  func largeProductsHaveTheSameOrder(rows: Int, columns: Int, inner: Int) {
    var generator = SeededGenerator(seed: 12)
    for _ in 0..<2 {
      let product = BFloat16Product(
        .usual, rows: rows, columns: columns, inner: inner, using: &generator)
      let documented = product.documented
      for way in BFloat16Product.Way.all.dropFirst() {
        #expect(
          Self.differing(product.result(by: way), documented) == 0,
          "\(way), \(product.name)")
      }
    }
  }

  @Test func threadsDoNotChangeABit() {
    var generator = SeededGenerator(seed: 13)
    for (rows, columns, inner) in [
      (400, 300, 500), (96, 700, 300), (700, 90, 1000), (40, 3000, 80),
    ] {
      for _ in 0..<4 {
        let product = BFloat16Product(
          .usual, rows: rows, columns: columns, inner: inner, using: &generator)
        let alone = product.result(threads: 1)
        for threads in 2...4 {
          #expect(Self.differing(product.result(threads: threads), alone) == 0, "\(product.name)")
        }
      }
    }
  }

  /// A right factor of more elements than threads pack at a time, whichever side is long.
  @Test(arguments: [(64, 6000, 900), (64, 64, 70_000)])
  func partsOfTheRightFactorKeepTheBits(rows: Int, columns: Int, inner: Int) {
    var generator = SeededGenerator(seed: 14)
    let product = BFloat16Product(
      .usual, rows: rows, columns: columns, inner: inner, using: &generator)
    #expect(Self.differing(product.result(threads: 2), product.result(threads: 1)) == 0)
  }

  @Test func roundingIsToTheNearestEven() {
    let numbers: [Float] = [
      0, -0.0, 1, 1.00390625, 1.01171875, -1.00390625, 3.4e38, .greatestFiniteMagnitude, .infinity,
      -.infinity, .leastNormalMagnitude, .leastNonzeroMagnitude, -.leastNonzeroMagnitude,
      Float(bitPattern: 0x7_1234),
      0.1,
      -1234.567, 65_535,
    ]
    var rounded = [UInt16](repeating: 0, count: numbers.count)
    CKernels_roundToBfloat16(numbers, &rounded, Int64(numbers.count))
    for (number, half) in zip(numbers, rounded) {
      let expected = nearestBFloat16(number)
      #expect(Float(bitPattern: UInt32(half) << 16).bitPattern == expected.bitPattern, "\(number)")
    }
    var half: UInt16 = 0
    CKernels_roundToBfloat16([Float.nan], &half, 1)
    #expect(Float(bitPattern: UInt32(half) << 16).isNaN)
  }
}
