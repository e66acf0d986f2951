import LockstepNeuralNetworks
import LockstepTensors
import TestSupport
import Testing

@Suite struct LayerTests {
  /// Gives a module's parameters random values, runs it, and hands out both.
  private func run(
    _ module: some Module, _ body: (Workspace) -> Tensor
  ) -> (output: [Float], parameters: [[Double]]) {
    let store = ParameterStore(of: module)
    let workspace = Workspace()
    var generator = SeededGenerator(seed: 6)
    let memory = FloatMemory(count: store.flatCount)
    _ = memory.elements.update(from: generator.normals(store.flatCount))
    store.bind(to: memory, in: workspace)
    let output = body(workspace).elements
    return (output, store.entries.map { memory.elements[$0.range].map(Double.init) })
  }

  private func isClose(_ actual: [Float], _ expected: [Double]) -> Bool {
    actual.count == expected.count
      && zip(actual, expected).allSatisfy { abs(Double($0) - $1) < 1e-5 * max(1, abs($1)) }
  }

  static let x: [Float] = [1, -2, 3, 0.5, 0.25, -1]

  @Test func linearMapsRowsByItsWeightBiasAndActivation() {
    let layer = Linear(inputs: 3, outputs: 5, activation: .silu)
    let (output, parameters) = run(layer) { layer(Tensor(Self.x, shape: [2, 3], in: $0)) }
    let sums = Naive.linear(
      Self.x.map(Double.init), weight: Naive.transposed(parameters[0], rows: 5, columns: 3),
      bias: parameters[1], rows: 2, inputs: 3, outputs: 5)
    #expect(isClose(output, sums.map(Naive.silu)))
  }

  @Test func linearReadsItsWeightInEitherLayout() {
    let layer = Linear(inputs: 3, outputs: 5, hasBias: false, layout: .inputsByOutputs)
    let (output, parameters) = run(layer) { layer(Tensor(Self.x, shape: [2, 3], in: $0)) }
    let sums = Naive.linear(
      Self.x.map(Double.init), weight: parameters[0], bias: nil, rows: 2, inputs: 3, outputs: 5)
    #expect(isClose(output, sums))
  }

  @Test func embeddingLooksUpRows() {
    let layer = Embedding(count: 7, width: 3)
    let (output, parameters) = run(layer) { _ in layer(Indices([6, 0, 6], shape: [1, 3])) }
    let table = parameters[0]
    #expect(isClose(output, Array(table[18..<21] + table[0..<3] + table[18..<21])))
  }

  @Test func normsNormalizeRows() {
    let layerNorm = LayerNorm(width: 3)
    let rmsNorm = RMSNorm(width: 3, epsilon: 0.5)
    let x = Self.x.map(Double.init)
    let first = run(layerNorm) { layerNorm(Tensor(Self.x, shape: [2, 3], in: $0)) }
    #expect(
      isClose(
        first.output,
        Naive.layerNorm(
          x, weight: first.parameters[0], bias: first.parameters[1], epsilon: 1e-5)))
    let second = run(rmsNorm) { rmsNorm(Tensor(Self.x, shape: [2, 3], in: $0)) }
    #expect(
      isClose(second.output, Naive.rmsNorm(x, weight: second.parameters[0], epsilon: 0.5)))
  }
}
