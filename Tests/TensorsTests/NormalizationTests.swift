import LockstepTensors
import TestSupport
import Testing

@Suite struct NormalizationTests {
  static let sizes = [(1, 2), (3, 15), (2, 16), (5, 17), (64, 7), (65, 33), (130, 20), (9, 130)]

  static func inputs(rows: Int, columns: Int) -> [GradientChecker.Input] {
    var generator = SeededGenerator(seed: 21)
    return [
      .init(generator.normals(rows * columns).map { $0 * 3 + 1 }, shape: [rows, columns]),
      .init(generator.normals(columns), shape: [columns]),
      .init(generator.normals(columns), shape: [columns]),
    ]
  }

  @Test(arguments: sizes)
  func layerNormFollowsItsFormula(rows: Int, columns: Int) {
    let checker = GradientChecker { $0[0].layerNorm(weight: $0[1], bias: $0[2]) }
    let failures = checker.failures(inputs: Self.inputs(rows: rows, columns: columns)) {
      Naive.layerNorm($0[0], weight: $0[1], bias: $0[2], epsilon: 1e-5)
    }
    #expect(failures == [])
  }

  @Test(arguments: sizes)
  func rmsNormFollowsItsFormula(rows: Int, columns: Int) {
    let checker = GradientChecker { $0[0].rmsNorm(weight: $0[1], epsilon: 1e-2) }
    let inputs = Array(Self.inputs(rows: rows, columns: columns)[..<2])
    let failures = checker.failures(inputs: inputs) {
      Naive.rmsNorm($0[0], weight: $0[1], epsilon: Double(Float(1e-2)))
    }
    #expect(failures == [])
  }

  @Test func layerNormKeepsItsAccuracyFarFromZero() {
    // Mean 1,000, deviation 1: a variance computed from sums of squares would lose every digit.
    var generator = SeededGenerator(seed: 4)
    let x = generator.normals(65).map { $0 + 1000 }
    let workspace = Workspace()
    let y = Tensor(x, shape: [1, 65], in: workspace).layerNorm(
      weight: Tensor(repeating: 1, shape: [65], in: workspace),
      bias: Tensor(repeating: 0, shape: [65], in: workspace))
    let expected = Naive.layerNorm(
      x.map(Double.init), weight: .init(repeating: 1, count: 65),
      bias: .init(repeating: 0, count: 65), epsilon: 1e-5)
    for (a, b) in zip(y.elements, expected) { #expect(abs(Double(a) - b) < 2e-4) }
  }

  @Test func threadsDoNotChangeLargeNorms() {
    let inputs = Self.inputs(rows: 300, columns: 130)
    let layerNorm = GradientChecker { $0[0].layerNorm(weight: $0[1], bias: $0[2]) }
    #expect(layerNorm.bitFailures(inputs: inputs) == [])
    let rmsNorm = GradientChecker { $0[0].rmsNorm(weight: $0[1]) }
    #expect(rmsNorm.bitFailures(inputs: Array(inputs[..<2])) == [])
  }
}
