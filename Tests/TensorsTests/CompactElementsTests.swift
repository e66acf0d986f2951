import LockstepTensors
import TestSupport
import Testing

/// Matrices that are kept in less memory than their floats would take.
@Suite struct CompactElementsTests {
  static let forms: [CompactForm] = [.bfloat16, .q8x0]
  static let formats: [ProductFormat] = [.float32, .bfloat16]

  /// A matrix that is kept so, and the same in floats.
  private static func matrix(
    _ form: CompactForm, rows: Int, columns: Int, in workspace: Workspace
  ) throws -> (compact: Tensor, floats: Tensor) {
    let shape: Shape = [rows, columns]
    var generator = SeededGenerator(seed: 8)
    var (bytes, floats): ([UInt8], [Float]) = ([], [])
    switch form {
    case .bfloat16:
      for value in generator.normals(shape.count) {
        let bits = Float(value).bitPattern >> 16
        bytes += [UInt8(bits & 0xFF), UInt8(bits >> 8)]
        floats.append(Float(bitPattern: bits << 16))
      }
    case .q8x0:
      // Halves that are written out: the scales -0.25, a subnormal one, 1.5, 0.
      let scales: [(bits: UInt16, value: Float)] = [
        (0xB400, -0.25), (0x0003, 0x3p-24), (0x3E00, 1.5), (0, 0),
      ]
      for block in 0..<shape.count / 32 {
        let scale = scales[block % scales.count]
        bytes += [UInt8(scale.bits & 0xFF), UInt8(scale.bits >> 8)]
        for _ in 0..<32 {
          let number = Int8.random(in: -127...127, using: &generator)
          bytes.append(UInt8(bitPattern: number))
          floats.append(Float(number) * scale.value)
        }
      }
    }
    let count = try #require(form.floatCount(of: shape))
    // Behind other floats, as in a model's buffer.
    let memory = FloatMemory(count: count + 16)
    UnsafeMutableRawBufferPointer(memory.elements).baseAddress?.advanced(by: 64)
      .copyMemory(from: bytes, byteCount: bytes.count)
    return (
      Tensor(viewing: memory, from: 16, shape: shape, form: form, in: workspace),
      Tensor(floats, shape: shape, in: workspace)
    )
  }

  private static func workspace(_ format: ProductFormat) -> Workspace {
    Workspace(threadCount: 2, format: format)
  }

  @Test(arguments: forms) func elementsAreWhatWasKept(form: CompactForm) throws {
    let (compact, floats) = try Self.matrix(
      form, rows: 5, columns: 96, in: Self.workspace(.float32))
    #expect(compact.whole.elements == floats.elements)
    #expect(compact.whole.elements.contains { $0 != 0 })
  }

  @Test func rowsThatBlocksDoNotDivideAreNotKeptSo() {
    #expect(CompactForm.q8x0.byteCount(of: [3, 33]) == nil)
    #expect(CompactForm.q8x0.byteCount(of: [3, 64]) == 3 * 2 * 34)
    #expect(CompactForm.bfloat16.byteCount(of: [3, 33]) == 198)
    #expect(CompactForm.bfloat16.floatCount(of: [3, 33]) == 50)
  }

  /// What an operation gives, and the gradient of its input.
  private func outcome(
    of weight: Tensor, _ workspace: Workspace, inputs: Int,
    _ apply: (_ x: Tensor, _ weight: Tensor) -> Tensor
  ) throws -> [[UInt32]] {
    var generator = SeededGenerator(seed: 9)
    let shape: Shape = [1, 70, inputs]
    let x = Tensor.variable(
      generator.normals(shape.count).map { Float($0) }, shape: shape, in: workspace)
    let result = apply(x, weight)
    let elements = result.elements
    (result.shape.count == 1 ? result : result.sum()).backward()
    return try [elements, #require(x.gradient)].map { $0.map(\.bitPattern) }
  }

  @Test(arguments: forms, formats)
  func aLinearLayerComputesTheSameBits(form: CompactForm, format: ProductFormat) throws {
    let workspace = Self.workspace(format)
    let (compact, floats) = try Self.matrix(form, rows: 64, columns: 160, in: workspace)
    for layout in [WeightLayout.outputsByInputs, .inputsByOutputs] {
      let inputs = layout == .outputsByInputs ? 160 : 64
      let apply = { (x: Tensor, weight: Tensor) in x.linear(weight: weight, layout: layout) }
      #expect(
        try outcome(of: compact, workspace, inputs: inputs, apply)
          == outcome(of: floats, workspace, inputs: inputs, apply))
    }
  }

  /// More classes than are decoded at a time.
  @Test(arguments: forms, formats)
  func aHeadsLossComputesTheSameBits(form: CompactForm, format: ProductFormat) throws {
    let workspace = Self.workspace(format)
    let (compact, floats) = try Self.matrix(form, rows: 9000, columns: 32, in: workspace)
    let targets = Indices((0..<70).map { $0 % 7 == 0 ? -1 : Int32($0 * 127) }, shape: [1, 70])
    let bias = Tensor((0..<9000).map { Float($0 % 11) / 8 }, shape: [9000], in: workspace)
    let apply = { (x: Tensor, weight: Tensor) in
      x.linearCrossEntropy(weight: weight, bias: bias, targets: targets)
    }
    #expect(
      try outcome(of: compact, workspace, inputs: 32, apply)
        == outcome(of: floats, workspace, inputs: 32, apply))
  }

  @Test(arguments: forms) func rowsAreLookedUp(form: CompactForm) throws {
    let workspace = Self.workspace(.float32)
    let (compact, floats) = try Self.matrix(form, rows: 9, columns: 64, in: workspace)
    let indices = Indices([8, 0, 3, 3], shape: [2, 2])
    #expect(compact.rows(at: indices).elements == floats.rows(at: indices).elements)
  }
}
