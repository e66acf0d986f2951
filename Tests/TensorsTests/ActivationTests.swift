import Foundation
import LockstepTensors
import TestSupport
import Testing

@Suite struct ActivationTests {
  static let cases: [(Activation, @Sendable (Double) -> Double)] = [
    (.gelu, Naive.gelu), (.geluTanh, Naive.geluTanh), (.relu, { max($0, 0) }),
    (.leakyRelu(slope: 0.01), { $0 > 0 ? $0 : Double(Float(0.01)) * $0 }), (.silu, Naive.silu),
    (.tanh, { Foundation.tanh($0) }),
  ]

  @Test(arguments: cases.indices, [1, 15, 16, 17, 65, 130])
  func activationsAndTheirSlopesFollowTheirFormulas(which: Int, count: Int) {
    let (activation, naive) = Self.cases[which]
    let checker = GradientChecker { $0[0].activated(by: activation) }
    var generator = SeededGenerator(seed: 8)
    let input = GradientChecker.Input(
      generator.normals(count).map { $0 * 2 }, shape: [count])
    #expect(checker.failures(inputs: [input]) { $0[0].map(naive) } == [])
  }

  @Test(arguments: cases.indices)
  func activationsStayFiniteAndRightFarFromZero(which: Int) {
    let (activation, naive) = Self.cases[which]
    let workspace = Workspace()
    let elements: [Float] = [-1e30, -1e4, -100, -30, -9, -1e-20, 0, 1e-20, 9, 30, 100, 1e4, 1e30]
    let leaf = Leaf(elements, shape: [elements.count], in: workspace)
    let output = leaf.tensor.activated(by: activation)
    output.sum().backward()
    for (x, y) in zip(elements, output.elements) {
      let expected = naive(Double(x))
      #expect(abs(Double(y) - expected) <= 1e-6 * max(abs(expected), 1), "\(activation) at \(x)")
    }
    for (x, slope) in zip(elements, leaf.gradient) where abs(x) < 1e10 {
      #expect(slope.isFinite && (-0.2...1.2).contains(slope), "\(activation)' at \(x) is \(slope)")
    }
  }

  @Test(arguments: cases.indices)
  func activationsHandOnNaN(which: Int) {
    let x = Tensor([1, .nan, -1], shape: [3], in: Workspace())
    #expect(x.activated(by: Self.cases[which].0).elements[1].isNaN)
  }

  @Test(arguments: [1, 16, 33, 130])
  func swigluIsSiluOfTheGateTimesTheOther(count: Int) {
    let checker = GradientChecker { $0[0].swiglu($0[1]) }
    let inputs = ElementwiseTests.inputs(2, [count])
    let failures = checker.failures(inputs: inputs) { values in
      zip(values[0], values[1]).map { Naive.silu($0) * $1 }
    }
    #expect(failures == [])
  }

  @Test func threadsDoNotChangeLargeActivations() {
    let inputs = ElementwiseTests.inputs(2, [7, 5_001])
    let checker = GradientChecker { $0[0].activated(by: .geluTanh).swiglu($0[1]) }
    #expect(checker.bitFailures(inputs: inputs) == [])
  }
}
