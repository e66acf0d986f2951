import LockstepNeuralNetworks
import LockstepTensors
import Testing

@Suite struct InitializerTests {
  private struct Single: Module { let weight: Parameter }

  private func values(
    _ shape: Shape, _ initializer: Initializer, threads: Int = 1
  ) -> [Float] {
    let store = ParameterStore(of: Single(weight: Parameter(shape, initializer: .zeros)))
    let memory = UnsafeMutablePointer<Float>.allocate(capacity: store.flatCount)
    defer { memory.deallocate() }
    store.initialize(
      memory, seed: 5, overriding: ["weight": initializer],
      in: Workspace(threadCount: threads))
    return Array(UnsafeBufferPointer(start: memory, count: shape.count))
  }

  private func deviation(_ values: [Float]) -> Float {
    (values.reduce(0) { $0 + $1 * $1 } / Float(values.count)).squareRoot()
  }

  @Test func xavierAndHeHaveTheirPapersDeviations() {
    let shape: Shape = [200, 300]
    let expected: [(Initializer, Float)] = [
      (.xavierUniform(inputs: 300, outputs: 200), (2.0 / 500).squareRoot()),
      (.xavierNormal(inputs: 300, outputs: 200), (2.0 / 500).squareRoot()),
      (.heUniform(inputs: 300), (2.0 / 300).squareRoot()),
      (.heNormal(inputs: 300), (2.0 / 300).squareRoot()),
      (.heNormal(inputs: 300).scaled(by: 3), 3 * (2.0 / 300).squareRoot()),
      (.normal(deviation: 0.5).scaled(forResidualLayers: 8), 0.125),
    ]
    for (initializer, deviation) in expected {
      let found = self.deviation(values(shape, initializer))
      #expect(abs(found / deviation - 1) < 0.02, "\(initializer): \(found), not \(deviation)")
    }
  }

  @Test(
    arguments: [
      (.xavierUniform(inputs: 300, outputs: 200), (Float(6) / 500).squareRoot()),
      (.heUniform(inputs: 300), (Float(6) / 300).squareRoot()),
      (.uniform(bound: 2), 2),
    ] as [(Initializer, Float)])
  func uniformOnesFillTheRangeToTheirBound(initializer: Initializer, bound: Float) {
    let largest = values([200, 300], initializer).reduce(0) { max($0, abs($1)) }
    #expect(largest <= bound && largest > 0.99 * bound, "\(largest), not \(bound)")
  }

  @Test(
    arguments: [
      (.xavierNormal(inputs: 300, outputs: 200), (Float(2) / 500).squareRoot()),
      (.heNormal(inputs: 300), (Float(2) / 300).squareRoot()),
      (.normal(deviation: 0.5), 0.5),
    ] as [(Initializer, Float)])
  func normalOnesReachBeyondTheUniformBound(initializer: Initializer, deviation: Float) {
    // The bound of a uniform distribution with this deviation.
    let bound = deviation * Float(3).squareRoot()
    let found = values([200, 300], initializer)
    let share = Double(found.count { abs($0) > bound }) / Double(found.count)
    // 1 - erf(√(3 / 2)).
    #expect(abs(share - 0.0833) < 0.005, "\(share)")
  }

  @Test func truncatedNormalHasTheDistributionsDeviationWithinTheBound() {
    let found = values([400, 400], .truncatedNormal(deviation: 0.1, bound: 0.15))
    #expect(found.allSatisfy { abs($0) <= 0.15 })
    // Of a normal distribution cut at 1.5 deviations.
    #expect(abs(deviation(found) / 0.07427 - 1) < 0.01, "\(deviation(found))")
    #expect(found == values([400, 400], .truncatedNormal(deviation: 0.1, bound: 0.15), threads: 3))
  }

  @Test(arguments: [(40, 70), (70, 40), (30, 30)])
  func orthogonalRowsOrColumnsHaveTheGainsLength(rows: Int, columns: Int) {
    let found = values([rows, columns], .orthogonal(rows: rows, gain: 2))
    let isWide = rows <= columns
    let (count, length) = isWide ? (rows, columns) : (columns, rows)
    func element(_ vector: Int, _ place: Int) -> Double {
      Double(isWide ? found[vector * columns + place] : found[place * columns + vector])
    }
    for a in 0..<count {
      for b in a..<count {
        let product = (0..<length).reduce(0.0) { $0 + element(a, $1) * element(b, $1) }
        #expect(abs(product - (a == b ? 4 : 0)) < 1e-5, "\(a), \(b): \(product)")
      }
    }
    #expect(Set(found).count > rows * columns / 2)
  }

  @Test func fansFollowTheLayout() {
    let parameter = Parameter([7, 3], initializer: .zeros)
    #expect(parameter.fans.inputs == 3 && parameter.fans.outputs == 7)
    let transposed = Parameter([7, 3], initializer: .zeros, layout: .inputsByOutputs)
    #expect(transposed.fans.inputs == 7 && transposed.fans.outputs == 3)
    let convolution = Parameter([8, 3, 5, 5], initializer: .zeros)
    #expect(convolution.fans.inputs == 75 && convolution.fans.outputs == 200)
  }
}
