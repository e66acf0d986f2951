import CLockstepKernels
import TestSupport
import Testing

/// Long spans are computed by 64 elements at a time, the rest by sixteen, and rows of a softmax several
/// together: what an element or a row gives does not depend on which of them it meets.
@Suite struct VectorWidthTests {
  private static let kinds: [CKernels_Activation] = [
    CKernels_geluTanh, CKernels_gelu, CKernels_relu, CKernels_leakyRelu, CKernels_silu,
    CKernels_tanh,
  ]

  /// Numbers of all sizes, zeros, infinities and NaN among them.
  private static func elements(_ count: Int) -> [Float] {
    var generator = SeededGenerator(seed: 21)
    let special: [Float] = [0, -0.0, .infinity, -.infinity, .nan, .leastNormalMagnitude / 8, 1e30]
    return generator.normals(count).enumerated().map {
      $0 % 29 == 28 ? special[$0 / 29 % special.count] : $1 * 4
    }
  }

  @Test(arguments: kinds.indices, [63, 64, 65, 79, 80, 128, 200])
  func anElementIsActivatedAsIfItWereAlone(which: Int, count: Int) {
    let (kind, slope, x) = (Self.kinds[which], Float(0.1), Self.elements(count))
    let gradients = [Float](Self.elements(count).reversed())
    func bits(by step: Int) -> [UInt32] {
      var (outputs, activated, slopes, passed) = (x, x, x, x)
      for start in stride(from: 0, to: count, by: step) {
        let length = Int64(min(step, count - start))
        x.withUnsafeBufferPointer { x in
          gradients.withUnsafeBufferPointer { gradients in
            func part(_ array: inout [Float], _ body: (UnsafeMutablePointer<Float>) -> Void) {
              array.withUnsafeMutableBufferPointer { body($0.baseAddress! + start) }
            }
            part(&outputs) {
              CKernels_activationForward(kind, slope, x.baseAddress! + start, $0, length)
            }
            part(&passed) {
              CKernels_activationBackward(
                kind, slope, x.baseAddress! + start, gradients.baseAddress! + start, $0, length, 1)
            }
            part(&activated) { activated in
              part(&slopes) { CKernels_activationAndSlope(kind, slope, $0, activated, length) }
            }
          }
        }
      }
      return [outputs, passed, activated, slopes].joined().map {
        $0.isNaN ? UInt32.max : $0.bitPattern
      }
    }
    #expect(bits(by: count) == bits(by: 1))
  }

  @Test(arguments: [1, 16, 33, 64, 65, 130, 200], [0, 1])
  func aRowOfASoftmaxIsComputedAsIfItWereAlone(columns: Int, step: Int) {
    let (rows, stride) = (19, columns + 5)
    let visible = step == 0 ? columns : max(1, columns - rows + 1)
    var generator = SeededGenerator(seed: 22)
    let scores = generator.normals(rows * stride).map { $0 * 9 }
    func bits(together: Int) -> [UInt32] {
      var (row, again) = (scores, scores)
      var (maxima, sums) = ([Float](repeating: 0, count: rows), [Float](repeating: 0, count: rows))
      for first in Swift.stride(from: 0, to: rows, by: together) {
        let height = Int64(min(together, rows - first))
        let seen = Int64(min(columns, visible + first * step))
        maxima.withUnsafeMutableBufferPointer { maxima in
          sums.withUnsafeMutableBufferPointer { sums in
            let (maxima, sums) = (maxima.baseAddress! + first, sums.baseAddress! + first)
            row.withUnsafeMutableBufferPointer {
              CKernels_softmaxForward(
                $0.baseAddress! + first * stride, 0.3, height, Int64(columns), Int64(stride), seen,
                Int64(step), maxima, sums)
            }
            again.withUnsafeMutableBufferPointer {
              CKernels_softmaxAgain(
                $0.baseAddress! + first * stride, 0.3, height, Int64(columns), Int64(stride), seen,
                Int64(step), maxima, sums)
            }
          }
        }
      }
      #expect(row == again)
      // What is between the rows stays as it was.
      for place in row.indices where place % stride >= columns {
        #expect(row[place] == scores[place])
      }
      return [row, maxima, sums].joined().map(\.bitPattern)
    }
    #expect(bits(together: rows) == bits(together: 1))
  }

  /// The sum that a softmax is divided by, in the order that docs/determinism.md tells: lane i mod 16, the
  /// lanes then halved four times.
  @Test(arguments: [1, 17, 64, 100, 129])
  func exponentialsAreSummedInSixteenLanes(count: Int) {
    var generator = SeededGenerator(seed: 23)
    let scores = generator.normals(count)
    var (probabilities, maximum, inverse) = (scores, [Float(0)], [Float(0)])
    CKernels_softmaxForward(
      &probabilities, 1, 1, Int64(count), Int64(count), Int64(count), 0, &maximum, &inverse)
    var exponentials = [Float](repeating: 0, count: count)
    CKernels_exponential(scores.map { $0 - maximum[0] }, &exponentials, Int64(count))
    var lanes = [Float](repeating: 0, count: 16)
    for (place, e) in exponentials.enumerated() { lanes[place % 16] += e }
    while lanes.count > 1 {
      let half = lanes.count / 2
      lanes = (0..<half).map { lanes[$0] + lanes[$0 + half] }
    }
    #expect(inverse[0] == 1 / lanes[0])
    #expect(probabilities == exponentials.map { $0 * inverse[0] })
  }
}
