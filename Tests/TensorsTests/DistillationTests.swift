import Foundation
import LockstepTensors
import TestSupport
import Testing

@Suite struct DistillationTests {
  /// Sizes around those of lanes; a row without a target.
  @Test(
    arguments: [(1, 1, 2), (4, 17, 15), (9, 8, 16), (65, 5, 17), (3, 33, 130)],
    [(1, 0.5), (2, 0.875), (0.5, 1), (3, 0)] as [(Float, Float)])
  func lossAndGradientsFollowTheFormula(
    sizes: (Int, Int, Int), setting: (temperature: Float, share: Float)
  ) {
    let (rows, width, classes) = sizes
    var generator = SeededGenerator(seed: 9)
    var targets = generator.integers(rows, in: 0..<Int32(classes))
    if rows > 2 { targets[1] = -1 }
    let knownWidth = 3
    let states = generator.normals(rows * knownWidth)
    let head = generator.normals(classes * knownWidth)
    let checker = GradientChecker { inputs in
      let workspace = inputs[0].workspace
      return inputs[0].linearDistillation(
        weight: inputs[1], targets: Indices(targets, shape: [rows]),
        teacher: Tensor(states, shape: [rows, knownWidth], in: workspace),
        teacherWeight: Tensor(head, shape: [classes, knownWidth], in: workspace),
        temperature: setting.temperature, share: setting.share)
    }
    let inputs =
      ElementwiseTests.inputs(1, [rows, width])
      + ElementwiseTests.inputs(1, [classes, width], seed: 4)
    let known = Naive.product(
      states.map(Double.init),
      Naive.transposed(head.map(Double.init), rows: classes, columns: knownWidth), rows: rows,
      inner: knownWidth, columns: classes)
    let failures = checker.failures(inputs: inputs) { values in
      let weight = Naive.transposed(values[1], rows: classes, columns: width)
      let logits = Naive.product(
        values[0], weight, rows: rows, inner: width, columns: classes)
      let (temperature, share) = (Double(setting.temperature), Double(setting.share))
      var total = 0.0
      for row in 0..<rows where targets[row] >= 0 {
        let range = row * classes..<(row + 1) * classes
        let hard = logarithms(logits[range], 1)[Int(targets[row])]
        let (q, p) = (logarithms(logits[range], temperature), logarithms(known[range], temperature))
        let apart = zip(p, q).reduce(0) { $0 + exp($1.0) * ($1.0 - $1.1) }
        total += share * temperature * temperature * apart - (1 - share) * hard
      }
      return [total]
    }
    #expect(failures == [])
  }

  /// log softmax(logits / temperature).
  private func logarithms(_ logits: ArraySlice<Double>, _ temperature: Double) -> [Double] {
    let scaled = logits.map { $0 / temperature }
    let largest = scaled.max() ?? 0
    let sum = log(scaled.reduce(0) { $0 + exp($1 - largest) }) + largest
    return scaled.map { $0 - sum }
  }
}
