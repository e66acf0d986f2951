import CLockstepKernels
import Foundation
import TestSupport
import Testing

@Suite struct KernelTests {
  @Test func exponentialsAreWithinOneUnitInTheLastPlace() {
    var x: [Float] = []
    for step in 0...2_000_000 { x.append(-87.25 + Float(step) * (175.5 / 2_000_000)) }
    var y = [Float](repeating: 0, count: x.count)
    CKernels_exponential(x, &y, Int64(x.count))
    var (worst, worstAt) = (0.0, Float(0))
    for (x, y) in zip(x, y) {
      let expected = exp(Double(x))
      let error = abs(Double(y) - expected) / Double(Float(expected).ulp)
      if error > worst { (worst, worstAt) = (error, x) }
    }
    #expect(worst <= 1, "\(worst) units at \(worstAt)")
  }

  @Test func exponentialsAreClampedAndHandOnNaN() {
    let x: [Float] = [-.infinity, -1000, 0, 1000, .infinity, .nan]
    var y = [Float](repeating: 0, count: x.count)
    CKernels_exponential(x, &y, Int64(x.count))
    #expect(y[0] == y[1] && y[0] > 0 && y[0] < 2e-38)
    #expect(y[2] == 1)
    #expect(y[3] == y[4] && y[3].isFinite && y[3] > 2e38)
    #expect(y[5].isNaN)
  }

  @Test(arguments: [0, 1, 15, 16, 17, 63, 64, 65, 130, 1000])
  func sumsAndInnerProductsAreRight(count: Int) {
    var generator = SeededGenerator(seed: 1)
    let (a, b) = (generator.normals(count), generator.normals(count))
    let sum = a.reduce(0) { $0 + Double($1) }
    let dot = zip(a, b).reduce(0) { $0 + Double($1.0) * Double($1.1) }
    #expect(abs(Double(CKernels_sum(a, Int64(count))) - sum) < 1e-4)
    #expect(abs(Double(CKernels_dot(a, b, Int64(count))) - dot) < 1e-4)
  }

  @Test(arguments: [(1, 1), (5, 15), (64, 16), (65, 17), (130, 127), (129, 128), (200, 145)])
  func columnSumsAddRowsInBlocksWhereverTheColumnsAreCut(rows: Int, columns: Int) {
    let stride = columns + 3
    var generator = SeededGenerator(seed: 2)
    let values = generator.normals(rows * stride)
    var expected = [Float](repeating: 0.5, count: columns)
    for column in 0..<columns {
      for block in Swift.stride(from: 0, to: rows, by: 64) {
        expected[column] += (block..<min(block + 64, rows)).reduce(0) {
          $0 + values[$1 * stride + column]
        }
      }
    }
    for cut in [0, 16, 32] where cut < columns {
      var sums = [Float](repeating: 0.5, count: columns)
      sums.withUnsafeMutableBufferPointer { sums in
        values.withUnsafeBufferPointer { values in
          for range in [0..<cut, cut..<columns] {
            CKernels_columnSums(
              values.baseAddress! + range.lowerBound, sums.baseAddress! + range.lowerBound,
              Int64(rows), Int64(range.count), Int64(stride), 1)
          }
        }
      }
      #expect(sums == expected)
    }
  }

  /// All processor levels must give the same bits; they do because no product and sum is fused.
  /// Where one was, this sum of a rounded product and its negative would not be zero.
  @Test func productsAndSumsAreNotFused() {
    let a = [Float](repeating: 1 + Float.ulpOfOne, count: 64)
    var result = a.map { -($0 * $0) }
    CKernels_multiply(a, a, &result, 64, 1)
    #expect(result.allSatisfy { $0 == 0 })
    var scaled = a.map { -($0 * $0) }
    CKernels_accumulateScaled(a, a[0], &scaled, 64)
    #expect(scaled.allSatisfy { $0 == 0 })
  }
}
