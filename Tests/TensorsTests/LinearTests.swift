import LockstepTensors
import TestSupport
import Testing

@Suite struct LinearTests {
  struct Size: Sendable, CustomTestStringConvertible {
    let rows: Int
    let inputs: Int
    let outputs: Int
    var testDescription: String { "\(rows) × \(inputs) → \(outputs)" }
  }

  static let sizes = [
    Size(rows: 1, inputs: 1, outputs: 1), Size(rows: 3, inputs: 17, outputs: 5),
    Size(rows: 16, inputs: 15, outputs: 16), Size(rows: 65, inputs: 9, outputs: 33),
    Size(rows: 7, inputs: 64, outputs: 63), Size(rows: 130, inputs: 3, outputs: 2),
  ]

  static func inputs(_ size: Size, _ layout: WeightLayout) -> [GradientChecker.Input] {
    var generator = SeededGenerator(seed: 5)
    let weight: Shape =
      layout == .inputsByOutputs ? [size.inputs, size.outputs] : [size.outputs, size.inputs]
    return [[1, size.rows, size.inputs], weight, [size.outputs]].map { (shape: Shape) in
      .init(generator.normals(shape.count), shape: shape)
    }
  }

  static func naive(_ values: [[Double]], _ size: Size, _ layout: WeightLayout) -> [Double] {
    let weight =
      layout == .inputsByOutputs
      ? values[1] : Naive.transposed(values[1], rows: size.outputs, columns: size.inputs)
    return Naive.linear(
      values[0], weight: weight, bias: values.count > 2 ? values[2] : nil, rows: size.rows,
      inputs: size.inputs, outputs: size.outputs)
  }

  @Test(arguments: sizes, [WeightLayout.outputsByInputs, .inputsByOutputs])
  func linearIsProductPlusBias(size: Size, layout: WeightLayout) {
    let checker = GradientChecker { $0[0].linear(weight: $0[1], bias: $0[2], layout: layout) }
    let inputs = Self.inputs(size, layout)
    #expect(checker.failures(inputs: inputs) { Self.naive($0, size, layout) } == [])
  }

  @Test(arguments: sizes)
  func linearWithoutBiasIsTheProduct(size: Size) {
    let checker = GradientChecker { $0[0].linear(weight: $0[1]) }
    let inputs = Array(Self.inputs(size, .outputsByInputs)[..<2])
    #expect(checker.failures(inputs: inputs) { Self.naive($0, size, .outputsByInputs) } == [])
  }

  @Test(arguments: sizes, [Activation.geluTanh, .leakyRelu(slope: 0.25)])
  func linearAppliesItsActivation(size: Size, activation: Activation) {
    let checker = GradientChecker {
      $0[0].linear(
        weight: $0[1], bias: $0[2], layout: .inputsByOutputs, activation: activation)
    }
    let failures = checker.failures(inputs: Self.inputs(size, .inputsByOutputs)) { values in
      Self.naive(values, size, .inputsByOutputs).map {
        activation == .geluTanh ? Naive.geluTanh($0) : $0 > 0 ? $0 : 0.25 * $0
      }
    }
    #expect(failures == [])
  }

  /// Large activations are let go of, and computed again in the backward pass.
  @Test(arguments: [64, 2048])
  func activationsComputedAgainGiveTheSameBits(rows: Int) {
    func bits(_ apply: (Tensor, [Tensor]) -> Tensor) -> (bits: [UInt32], lentCount: Int) {
      let workspace = Workspace(threadCount: 2)
      var generator = SeededGenerator(seed: 6)
      let shapes: [Shape] = [[rows, 24], [24, 300], [300], [300, 5]]
      let leaves = shapes.map { Leaf(generator.normals($0.count), shape: $0, in: workspace) }
      let loss = apply(leaves[0].tensor, leaves.dropFirst().map(\.tensor)).sum()
      let lentCount = workspace.pool.lentCount
      loss.backward()
      return (([loss.item] + leaves.flatMap(\.gradient)).map(\.bitPattern), lentCount)
    }
    let plain = bits { x, weights in
      x.linear(
        weight: weights[0], bias: weights[1], layout: .inputsByOutputs, activation: .geluTanh
      ).linear(weight: weights[2], layout: .inputsByOutputs)
    }
    let again = bits { x, weights in
      x.linear(
        weight: weights[0], bias: weights[1], layout: .inputsByOutputs, activation: .geluTanh
      ) { $0.linear(weight: weights[2], layout: .inputsByOutputs) }
    }
    #expect(again.bits == plain.bits)
    #expect(again.lentCount == plain.lentCount - (rows > 1000 ? 1 : 0))
  }

  @Test func anActivationWithoutBiasSeesTheProduct() {
    let size = Size(rows: 6, inputs: 10, outputs: 21)
    let checker = GradientChecker { $0[0].linear(weight: $0[1], activation: .silu) }
    let inputs = Array(Self.inputs(size, .outputsByInputs)[..<2])
    let failures = checker.failures(inputs: inputs) {
      Self.naive($0, size, .outputsByInputs).map(Naive.silu)
    }
    #expect(failures == [])
  }

  @Test(arguments: [(300, 130, 200), (60, 500, 700), (1000, 100, 33)])
  func threadsDoNotChangeLargeLinearLayers(rows: Int, inputs: Int, outputs: Int) {
    let size = Size(rows: rows, inputs: inputs, outputs: outputs)
    var checker = GradientChecker {
      $0[0].linear(weight: $0[1], bias: $0[2], activation: .geluTanh)
    }
    checker.threadCounts = [2, 3, 4]
    #expect(checker.bitFailures(inputs: Self.inputs(size, .outputsByInputs)) == [])
  }
}
