// r rank, O outputs, I inputs.

import LockstepTensors
import TestSupport
import Testing

@Suite struct LowRankTests {
  struct Size: Sendable, CustomTestStringConvertible {
    let rows: Int
    let inputs: Int
    let outputs: Int
    let rank: Int
    var testDescription: String { "\(rows) × \(inputs) → \(outputs) by \(rank)" }
  }

  static let sizes = [
    Size(rows: 1, inputs: 1, outputs: 1, rank: 1), Size(rows: 3, inputs: 17, outputs: 5, rank: 2),
    Size(rows: 65, inputs: 9, outputs: 33, rank: 8),
    Size(rows: 7, inputs: 64, outputs: 63, rank: 16),
  ]
  private static let scale: Float = 1.5

  private static func random(_ shapes: [Shape]) -> [GradientChecker.Input] {
    var generator = SeededGenerator(seed: 8)
    return shapes.map { .init(generator.normals($0.count), shape: $0) }
  }

  /// scale · U D, [O, I].
  private static func change(_ down: [Double], _ up: [Double], _ size: Size) -> [Double] {
    (0..<size.outputs * size.inputs).map { place in
      let (output, input) = (place / size.inputs, place % size.inputs)
      return Double(scale)
        * (0..<size.rank).reduce(0) {
          $0 + up[output * size.rank + $1] * down[$1 * size.inputs + input]
        }
    }
  }

  @Test(arguments: sizes)
  func whatIsAddedIsTheProductWithTheChange(size: Size) {
    let checker = GradientChecker {
      LowRankChange(down: $0[1], up: $0[2], scale: Self.scale).added(for: $0[0])
    }
    let inputs = Self.random([
      [1, size.rows, size.inputs], [size.rank, size.inputs], [size.outputs, size.rank],
    ])
    let failures = checker.failures(inputs: inputs) { values in
      let change = Self.change(values[1], values[2], size)
      return Naive.linear(
        values[0],
        weight: Naive.transposed(change, rows: size.outputs, columns: size.inputs), bias: nil,
        rows: size.rows, inputs: size.inputs, outputs: size.outputs)
    }
    #expect(failures == [])
  }

  @Test(arguments: sizes)
  func columnsAreScaledAndShifted(size: Size) {
    let inputs = Self.random([[1, size.rows, size.outputs], [size.outputs], [size.outputs]])
    let checker = GradientChecker { $0[0].scaledColumns(by: $0[1]).addingToRows($0[2]) }
    let failures = checker.failures(inputs: inputs) { values in
      values[0].enumerated().map { place, value in
        value * values[1][place % size.outputs] + values[2][place % size.outputs]
      }
    }
    #expect(failures == [])
  }

  @Test(arguments: sizes, [WeightLayout.outputsByInputs, .inputsByOutputs])
  func aMergedWeightIsTheSumStretchedToItsLengths(size: Size, layout: WeightLayout) {
    let workspace = Workspace(threadCount: 2)
    let (inputs, outputs) = (size.inputs, size.outputs)
    let shape: Shape = layout == .outputsByInputs ? [outputs, inputs] : [inputs, outputs]
    let tensors = Self.random([
      shape, [size.rank, inputs], [outputs, size.rank], [outputs],
    ]).map { Tensor($0.elements, shape: $0.shape, in: workspace) }
    let exact = tensors.map { $0.elements.map(Double.init) }
    let change = Self.change(exact[1], exact[2], size)
    func stored(_ output: Int, _ input: Int) -> Int {
      layout == .outputsByInputs ? output * inputs + input : input * outputs + output
    }
    var plain = [Double](repeating: 0, count: outputs * inputs)
    var stretched = plain
    var lengths: [Double] = []
    for output in 0..<outputs {
      let row = (0..<inputs).map {
        exact[0][stored(output, $0)] + change[output * inputs + $0]
      }
      let length = row.reduce(0) { $0 + $1 * $1 }.squareRoot()
      lengths.append(length)
      for (input, value) in row.enumerated() {
        plain[stored(output, input)] = value
        stretched[stored(output, input)] = value / length * exact[3][output]
      }
    }
    func expectNear(_ found: Tensor, _ expected: [Double], _ what: String) {
      let scale = expected.map(abs).max() ?? 1
      let error = zip(found.elements, expected).map { abs(Double($0) - $1) }.max() ?? 0
      #expect(found.count == expected.count && error < 2e-6 * max(scale, 1), "\(what): \(error)")
    }
    let lora = LowRankChange(down: tensors[1], up: tensors[2], scale: Self.scale)
    let dora = LowRankChange(
      down: tensors[1], up: tensors[2], scale: Self.scale, magnitude: tensors[3])
    expectNear(lora.merged(into: tensors[0], layout), plain, "LoRA")
    expectNear(dora.merged(into: tensors[0], layout), stretched, "DoRA")
    expectNear(dora.lengths(of: tensors[0], layout), lengths, "lengths")
  }
}

extension Tensor {
  fileprivate var count: Int { elements.count }
}
