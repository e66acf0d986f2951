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

  @Test(
    arguments: [(1, 40, 64), (4, 15, 70), (65, 300, 33), (200, 70, 130)],
    [ProductFormat.float32, .bfloat16])
  func addingWithinTheProductGivesTheSameBits(size: (Int, Int, Int), format: ProductFormat) {
    let (rows, inputs, outputs) = size
    var generator = SeededGenerator(seed: 7)
    let elements = [rows * outputs, rows * inputs, inputs * outputs, outputs].map {
      generator.normals($0)
    }
    /// The sum and its gradients.
    func bits(
      _ layout: WeightLayout, threads: Int, hasBias: Bool,
      _ sum: (_ addend: Tensor, _ x: Tensor, _ weight: Tensor, _ bias: Tensor?) -> Tensor
    ) -> [UInt32] {
      let workspace = Workspace(threadCount: threads, format: format)
      let weight: Shape = layout == .inputsByOutputs ? [inputs, outputs] : [outputs, inputs]
      let shapes: [Shape] = [[1, rows, outputs], [rows, inputs], weight, [outputs]]
      let leaves = zip(elements, shapes).map { Leaf($0, shape: $1, in: workspace) }
      let result = sum(
        leaves[0].tensor, leaves[1].tensor, leaves[2].tensor, hasBias ? leaves[3].tensor : nil)
      let values = result.elements
      (result * result).sum().backward()
      let trained = hasBias ? leaves : Array(leaves.dropLast())
      return (values + trained.flatMap(\.gradient)).map(\.bitPattern)
    }
    for (layout, hasBias) in [
      (WeightLayout.outputsByInputs, true), (.inputsByOutputs, true), (.outputsByInputs, false),
    ] {
      let after = bits(layout, threads: 1, hasBias: hasBias) {
        $0.reshaped(to: [rows, outputs]) + $1.linear(weight: $2, bias: $3, layout: layout)
      }
      for threads in 1...3 {
        let within = bits(layout, threads: threads, hasBias: hasBias) {
          $1.linear(weight: $2, bias: $3, layout: layout, addedTo: $0)
        }
        let isSame = within == after
        #expect(isSame, "\(layout), bias: \(hasBias), \(threads) threads")
      }
    }
  }

  /// Both gradients go to one tensor, which no two threads may write at a time.
  @Test func aMatrixIsMultipliedWithItself() {
    var checker = GradientChecker { $0[0].linear(weight: $0[0]) }
    checker.threadCounts = [2, 3]
    var generator = SeededGenerator(seed: 8)
    let inputs = [GradientChecker.Input(generator.normals(90 * 90), shape: [90, 90])]
    #expect(checker.bitFailures(inputs: inputs) == [])
    let small = [GradientChecker.Input(generator.normals(25), shape: [5, 5])]
    let failures = checker.failures(inputs: small) { values in
      Naive.linear(
        values[0], weight: Naive.transposed(values[0], rows: 5, columns: 5), bias: nil, rows: 5,
        inputs: 5, outputs: 5)
    }
    #expect(failures == [])
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
