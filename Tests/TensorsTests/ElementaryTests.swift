import Foundation
import LockstepTensors
import TestSupport
import Testing

/// Quotients, exponentials, logarithms, means, concatenations, and operations of one's own.
@Suite struct ElementaryTests {
  static let counts = ElementwiseTests.counts

  /// Numbers of a size between 0.5 and 2.
  private static func moderate(_ shape: Shape, seed: UInt64, signed: Bool = true)
    -> GradientChecker.Input
  {
    var generator = SeededGenerator(seed: seed)
    let elements = (0..<shape.count).map { _ in
      Float.random(in: 0.5...2, using: &generator)
        * (signed && Bool.random(using: &generator) ? -1 : 1)
    }
    return .init(elements, shape: shape)
  }

  @Test(arguments: counts)
  func quotientsDivideElements(count: Int) {
    let checker = GradientChecker { $0[0] / $0[1] }
    let inputs = [Self.moderate([count], seed: 1), Self.moderate([count], seed: 2)]
    #expect(checker.failures(inputs: inputs) { zip($0[0], $0[1]).map(/) } == [])
  }

  /// Where the square of the divisor is infinite, zero or denormal.
  @Test(arguments: [(1, 1e20, 1e5), (3, 1e-24, 1e-10), (0, 1e-30, 1), (1e-20, -3e-22, 1e-8)])
  func gradientsOfDivisorsAreThoseOfQuotients(a: Float, b: Float, scale: Float) {
    let workspace = Workspace()
    let divisor = Tensor.variable([b], shape: [1], in: workspace)
    (Tensor([a], shape: [1], in: workspace) / divisor * scale).sum().backward()
    let expected = -Double(scale) * Double(a) / Double(b) / Double(b)
    let found = Double(divisor.gradient?.first ?? .nan)
    #expect(abs(found - expected) <= 1e-6 * abs(expected), "\(found), not \(expected)")
  }

  @Test(arguments: counts)
  func exponentialsAndLogarithmsFollowTheirFormulas(count: Int) {
    let positive = [Self.moderate([count], seed: 3, signed: false)]
    #expect(
      GradientChecker { $0[0].log() }.failures(inputs: positive) {
        $0[0].map { Foundation.log($0) }
      }
        == [])
    #expect(
      GradientChecker { $0[0].exp() }.failures(inputs: positive) {
        $0[0].map { Foundation.exp($0) }
      }
        == [])
  }

  @Test func logarithmsAreRoundedFromDoublePrecision() {
    let workspace = Workspace()
    let tiny = Float.leastNonzeroMagnitude
    let x: [Float] = [1, 0, -1, .infinity, tiny, 0.1, 3e38]
    let found = Tensor(x, shape: [x.count], in: workspace).log().elements
    #expect(found[0] == 0 && found[1] == -.infinity && found[2].isNaN && found[3] == .infinity)
    for place in 4..<7 { #expect(found[place] == Float(Foundation.log(Double(x[place])))) }
  }

  @Test(arguments: [(1, 1), (3, 7), (5, 64), (2, 130)])
  func meansDivideSums(rows: Int, width: Int) {
    let inputs = ElementwiseTests.inputs(1, [rows, width])
    #expect(
      GradientChecker { $0[0].mean() }.failures(inputs: inputs) {
        [$0[0].reduce(0, +) / Double(rows * width)]
      } == [])
    #expect(
      GradientChecker { $0[0].meanOverInnermost() }.failures(inputs: inputs) { values in
        (0..<rows).map { row in
          values[0][row * width..<(row + 1) * width].reduce(0, +) / Double(width)
        }
      } == [])
  }

  @Test(arguments: [0, 1, 2, -1])
  func concatenationPutsTensorsSideBySide(dimension: Int) {
    let axis = dimension < 0 ? 2 : dimension
    let extents = [3, 1, 4]
    let inputs = extents.enumerated().map { index, extent in
      var shape = [2, 3, 5]
      shape[axis] = extent
      return Self.moderate(Shape(shape), seed: UInt64(index))
    }
    let rows = [2, 3, 5][..<axis].reduce(1, *)
    let checker = GradientChecker { Tensor.concatenated($0, along: dimension) }
    #expect(
      checker.failures(inputs: inputs) { values in
        (0..<rows).flatMap { row in
          values.flatMap { value in
            let width = value.count / rows
            return Array(value[row * width..<(row + 1) * width])
          }
        }
      } == [])
  }

  /// y = x a³, over which an operation of one's own is written.
  private static func scaledCube(_ tensors: [Tensor]) -> Tensor {
    Tensor.custom(tensors, shape: tensors[0].shape) { inputs, output in
      for index in output.indices {
        output[index] = inputs[0][index] * inputs[1][index] * inputs[1][index] * inputs[1][index]
      }
    } backward: { inputs, gradient, slopes in
      for index in gradient.indices {
        let (x, a) = (inputs[0][index], inputs[1][index])
        slopes[0]?[index] = gradient[index] * a * a * a
        slopes[1]?[index] = gradient[index] * 3 * x * a * a
      }
    }
  }

  @Test(arguments: counts)
  func anOperationOfOnesOwnIsDifferentiatedLikeAnyOther(count: Int) {
    let inputs = [Self.moderate([count], seed: 5), Self.moderate([count], seed: 6)]
    let checker = GradientChecker(Self.scaledCube)
    #expect(
      checker.failures(inputs: inputs) { zip($0[0], $0[1]).map { $0 * $1 * $1 * $1 } } == [])
  }

  @Test func anOperationOfOnesOwnMayTakeTheSameTensorTwice() {
    let checker = GradientChecker { Self.scaledCube([$0[0], $0[0]]) }
    #expect(
      checker.failures(inputs: [Self.moderate([33], seed: 7)]) { $0[0].map { $0 * $0 * $0 * $0 } }
        == [])
  }

  @Test func threadsDoNotChangeABit() {
    let inputs = [Self.moderate([3, 33_333], seed: 8), Self.moderate([3, 33_333], seed: 9)]
    let checker = GradientChecker { tensors in
      let quotient = tensors[0] / tensors[1]
      return Tensor.concatenated([(quotient * quotient).log(), quotient.exp()], along: 1)
        .meanOverInnermost()
    }
    #expect(checker.bitFailures(inputs: inputs) == [])
  }
}
