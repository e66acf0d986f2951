import CLockstepKernels
import LockstepTensors
import TestSupport
import Testing

/// What is only a factor of products in bfloat16 is kept rounded: the bits of everything that is computed
/// from it are those of floats.
@Suite struct RoundedOperandTests {
  static let activations: [Activation] = [
    .gelu, .geluTanh, .relu, .leakyRelu(slope: 0.25), .silu, .tanh,
  ]

  /// Normal numbers, and what rounding treats apart.
  static func inputs(_ count: Int) -> [Float] {
    var generator = SeededGenerator(seed: 3)
    let special: [Float] = [
      0, -0.0, .leastNonzeroMagnitude, -.leastNonzeroMagnitude, .leastNormalMagnitude, .infinity,
      -.infinity, 3.4e38, 1.00390625, 1.01171875,
    ]
    return Array((special + generator.normals(count)).prefix(count))
  }

  static func rounded(_ values: [Float]) -> [UInt16] {
    var result = [UInt16](repeating: 0, count: values.count)
    CKernels_roundToBfloat16(values, &result, Int64(values.count))
    return result
  }

  /// Those with AVX512_BF16 have an instruction for it.
  @Test(arguments: [1, 15, 16, 33, 64, 100, 1000]) func everyProcessorRoundsAlike(count: Int) {
    let quiet: UInt32 = 0x40_0000
    let inputs = Self.inputs(count).enumerated().map { index, value in
      // Numbers that are none: quiet ones and signalling ones, the bits of the latter below what is kept.
      switch index % 11 {
      case 3: Float(bitPattern: 0x7F80_0000 | quiet | UInt32(index))
      case 7: Float(bitPattern: 0xFF80_0001 + UInt32(index))
      default: value
      }
    }
    let expected = Self.rounded(inputs)
    for version in 1...CKernels_matrixProductVersions(CKernels_bfloat16) {
      var result = [UInt16](repeating: 0, count: count)
      CKernels_roundToBfloat16ByVersion(version, inputs, &result, Int64(count))
      #expect(result == expected, "version \(version)")
    }
    for (input, result) in zip(inputs, expected) {
      let rounded = Float(bitPattern: UInt32(result) << 16)
      #expect(rounded.isNaN == input.isNaN && rounded.sign == input.sign)
    }
  }

  @Test(arguments: activations, [1, 15, 16, 33, 1000])
  func activationsAreRoundedAsTheyAreWritten(activation: Activation, count: Int) {
    let inputs = Self.inputs(count)
    let (kind, slope) = (activation.kind, activation.slope)
    var floats = [Float](repeating: 0, count: count)
    var halves = [UInt16](repeating: 0, count: count)
    CKernels_activationForward(kind, slope, inputs, &floats, Int64(count))
    CKernels_activationRounded(kind, slope, inputs, &halves, Int64(count))
    #expect(halves == Self.rounded(floats))

    var (values, slopes) = (inputs, inputs)
    CKernels_activationAndSlope(kind, slope, &slopes, &floats, Int64(count))
    CKernels_activationAndSlopeRounded(kind, slope, &values, &halves, Int64(count))
    #expect(halves == Self.rounded(floats))
    #expect(values.map(\.bitPattern) == slopes.map(\.bitPattern))
  }

  @Test(arguments: [(1, 1), (5, 15), (64, 16), (64, 145), (30, 1024), (7, 2500)])
  func productsAreRoundedAndTheirColumnsSummed(rows: Int, columns: Int) {
    let (stride, own) = (columns + 3, Int64(columns))
    let count = rows * stride
    var generator = SeededGenerator(seed: 4)
    let (a, b) = (generator.normals(count), generator.normals(count))
    var all = [Float](repeating: 0, count: count)
    CKernels_multiply(a, b, &all, Int64(count), 0)
    var (expected, sums) = (generator.normals(columns), generator.normals(columns))
    CKernels_columnSums(all, &expected, Int64(rows), own, Int64(stride), 0)
    let isOutside = (0..<count).map { $0 % stride >= columns }

    var halves = [UInt16](repeating: 7, count: count)
    CKernels_multiplyRounded(a, b, &halves, &sums, Int64(rows), own, Int64(stride))
    #expect(sums.map(\.bitPattern) == expected.map(\.bitPattern))
    #expect(halves == zip(Self.rounded(all), isOutside).map { $1 ? 7 : $0 })

    sums = generator.normals(columns)
    var products = b  // in place
    products.withUnsafeMutableBufferPointer { products in
      CKernels_multiplyAndSum(
        a, products.baseAddress, products.baseAddress, &sums, Int64(rows), own, Int64(stride))
    }
    #expect(sums.map(\.bitPattern) == expected.map(\.bitPattern))
    #expect(products == zip(zip(all, b), isOutside).map { $1 ? $0.1 : $0.0 })
  }

  /// Bits of a loss and its gradients through two layers, and how many floats wait for the backward pass.
  private static func bits(
    rows: Int, hidden: Int, layout: WeightLayout, hasBias: Bool, format: ProductFormat,
    threadCount: Int, multipliesOnly: Bool
  ) -> [UInt32] {
    let workspace = Workspace(threadCount: threadCount, format: format)
    var generator = SeededGenerator(seed: 6)
    let (width, outputs) = (24, 9)
    let first: Shape = layout == .outputsByInputs ? [hidden, width] : [width, hidden]
    let second: Shape = layout == .outputsByInputs ? [outputs, hidden] : [hidden, outputs]
    let leaves = ([[rows, width], first, [hidden], second] as [Shape]).map {
      Leaf(generator.normals($0.count), shape: $0, in: workspace)
    }
    let output = leaves[0].tensor.linear(
      weight: leaves[1].tensor, bias: hasBias ? leaves[2].tensor : nil, layout: layout,
      activation: .geluTanh, multipliesOnly: multipliesOnly,
      for: { $0.linear(weight: leaves[3].tensor, layout: layout) })
    let loss = (output * output).sum()
    loss.backward()
    return ([loss.item] + leaves.flatMap(\.gradient)).map(\.bitPattern)
  }

  // 1,050 rows of 513 are recomputed in the backward pass, seven of 33 are kept.
  @Test(
    arguments: [(7, 33), (1050, 513)], [WeightLayout.outputsByInputs, .inputsByOutputs])
  func aHiddenLayerKeptRoundedChangesNoBit(size: (Int, Int), layout: WeightLayout) {
    for format in [ProductFormat.bfloat16, .float32] {
      for hasBias in [true, false] {
        let results = [(1, false), (1, true), (2, true)].map { threadCount, multipliesOnly in
          Self.bits(
            rows: size.0, hidden: size.1, layout: layout, hasBias: hasBias, format: format,
            threadCount: threadCount, multipliesOnly: multipliesOnly)
        }
        #expect(results[1] == results[0])
        #expect(results[2] == results[0])
      }
    }
  }

  @Test func aHiddenLayerKeptRoundedTakesHalfTheMemory() {
    func bytes(_ multipliesOnly: Bool) -> Int {
      let workspace = Workspace(format: .bfloat16)
      let input = Tensor(repeating: 1, shape: [64, 32], in: workspace)
      let weight = Tensor(repeating: 1, shape: [4096, 32], in: workspace)
      let next = Tensor(repeating: 1, shape: [16, 4096], in: workspace)
      _ = workspace.withoutRecording {
        input.linear(
          weight: weight, activation: .relu, multipliesOnly: multipliesOnly,
          for: { $0.linear(weight: next) })
      }
      return workspace.pool.allocatedBytes
    }
    #expect(bytes(false) - bytes(true) == 64 * 4096 * 2)
  }

  @Test(arguments: [1, 15, 64, 100, 1000])
  func gatedActivationsAreRoundedAsTheyAreWritten(count: Int) {
    let (gate, up) = (Self.inputs(count), Self.inputs(count + 5).suffix(count).map { $0 * 0.7 })
    var floats = [Float](repeating: 0, count: count)
    var halves = [UInt16](repeating: 0, count: count)
    CKernels_swigluForward(gate, up, &floats, Int64(count))
    CKernels_swigluRounded(gate, up, &halves, Int64(count))
    #expect(halves == Self.rounded(floats))
  }

  /// What goes into a linear layer and nowhere else.
  enum Operand: CaseIterable {
    case layerNorm, rmsNorm, swiglu

    func callAsFunction(_ x: Tensor, _ parameters: [Tensor], multipliesOnly: Bool) -> Tensor {
      switch self {
      case .layerNorm:
        x.layerNorm(weight: parameters[0], bias: parameters[1], multipliesOnly: multipliesOnly)
      case .rmsNorm: x.rmsNorm(weight: parameters[0], multipliesOnly: multipliesOnly)
      case .swiglu: x.swiglu(x * x, multipliesOnly: multipliesOnly)
      }
    }
  }

  // 1,050 rows of 513 are recomputed in the backward pass as floats, and kept rounded; 2,100 are recomputed in
  // both forms.
  @Test(arguments: [(Operand.layerNorm, 7), (.rmsNorm, 7), (.swiglu, 1050), (.rmsNorm, 2100)])
  func anOperandKeptRoundedChangesNoBit(operand: Operand, rows: Int) {
    func bits(_ format: ProductFormat, threadCount: Int, multipliesOnly: Bool) -> [UInt32] {
      let workspace = Workspace(threadCount: threadCount, format: format)
      var generator = SeededGenerator(seed: 8)
      let columns = 513
      let shapes: [Shape] = [[rows, columns], [columns], [columns], [2, columns]]
      let leaves = shapes.map { Leaf(generator.normals($0.count), shape: $0, in: workspace) }
      let parameters = leaves[1...2].map(\.tensor)
      let output = leaves[0].tensor.recomputing(
        { operand($0, parameters, multipliesOnly: multipliesOnly) },
        for: { $0.linear(weight: leaves[3].tensor) })
      let loss = (output * output).sum()
      loss.backward()
      return ([loss.item] + leaves.flatMap(\.gradient)).map(\.bitPattern)
    }
    for format in [ProductFormat.bfloat16, .float32] {
      let expected = bits(format, threadCount: 1, multipliesOnly: false)
      for threadCount in [1, 2] {
        // A million elements that differ are not for printing.
        let isSame = bits(format, threadCount: threadCount, multipliesOnly: true) == expected
        #expect(isSame, "\(format), \(threadCount) threads")
      }
    }
  }

  @Test(arguments: Operand.allCases) func anOperandKeptRoundedTakesHalfTheMemory(operand: Operand) {
    let counts = [true, false].map { multipliesOnly in
      let workspace = Workspace(format: .bfloat16)
      let x = Tensor(repeating: 0.5, shape: [64, 1024], in: workspace)
      let parameters = [1, 0].map { Tensor(repeating: $0, shape: [1024], in: workspace) }
      workspace.withoutRecording {
        _ = operand(x, parameters, multipliesOnly: multipliesOnly)
      }
      return workspace.pool.allocatedBytes
    }
    #expect(counts[1] - counts[0] == 64 * 1024 * 2)
  }
}
