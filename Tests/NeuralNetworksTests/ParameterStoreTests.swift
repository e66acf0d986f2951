import LockstepNeuralNetworks
import LockstepTensors
import Testing

private struct TwoLayers: Module {
  let first = Linear(inputs: 5, outputs: 7)
  let norm = LayerNorm(width: 7)
  let second = Linear(inputs: 7, outputs: 3, hasBias: false)
  let unused = Parameter([6], initializer: .ones)
}

/// Flat buffers for a module.
private final class Memory {
  let store: ParameterStore
  let workspace: Workspace
  private let valueMemory: FloatMemory
  let gradientMemory: FloatMemory
  var values: UnsafeMutableBufferPointer<Float> { valueMemory.elements }
  var gradient: UnsafeMutableBufferPointer<Float> { gradientMemory.elements }

  init(_ module: some Module, seed: UInt64 = 1, threads: Int = 1) {
    store = ParameterStore(of: module)
    workspace = Workspace(threadCount: threads)
    valueMemory = FloatMemory(count: store.flatCount)
    gradientMemory = FloatMemory(count: store.flatCount)
    store.bind(to: valueMemory, in: workspace)
    store.initialize(values.baseAddress!, seed: seed, in: workspace)
  }
}

@Suite struct ParameterStoreTests {
  @Test func parametersLieAtCacheLinesInOrderWithoutOverlap() {
    let store = ParameterStore(of: TwoLayers())
    #expect(store.entries.map(\.range) == [0..<35, 48..<55, 64..<71, 80..<87, 96..<117, 128..<134])
    #expect(store.flatCount == 144)
    #expect(store.parameterCount == 35 + 7 + 7 + 7 + 21 + 6)
    #expect(store.entries.filter(\.decays).map(\.range) == [0..<35, 96..<117])
  }

  @Test func boundParametersAreViewsOfTheFlatBuffer() {
    let module = TwoLayers()
    let memory = Memory(module)
    memory.values[48] = 42
    #expect(module.first.bias?.tensor.elements.first == 42)
    #expect(module.norm.weight.tensor.elements == [1, 1, 1, 1, 1, 1, 1])
  }

  @Test func gradientsGoToTheFlatBufferAndUnusedParametersGetZeros() {
    let module = TwoLayers()
    let memory = Memory(module)
    for round in 0..<2 {
      memory.gradient.update(repeating: .nan)
      for index in memory.gradient.indices
      where !memory.store.entries.contains(where: { $0.range.contains(index) }) {
        memory.gradient[index] = 0
      }
      memory.store.beginGradient(into: memory.gradientMemory)
      let x = Tensor([1, 2, 3, 4, 5], shape: [1, 5], in: memory.workspace)
      module.second(module.norm(module.first(x))).sum().backward()
      memory.store.finishGradient()
      #expect(memory.gradient.allSatisfy { $0.isFinite }, "round \(round)")
      #expect(memory.gradient[128..<134].allSatisfy { $0 == 0 })
      // dW2 of a sum is the layer's input, the same for each output.
      #expect(Array(memory.gradient[96..<103]) == Array(memory.gradient[103..<110]))
      #expect(memory.gradient[96..<103].contains { $0 != 0 })
    }
  }

  @Test func initialValuesAreAFunctionOfSeedAndParameterAlone() {
    func values(seed: UInt64, threads: Int) -> [Float] {
      let memory = Memory(
        Linear(inputs: 300, outputs: 100), seed: seed, threads: threads)
      return Array(memory.values)
    }
    let first = values(seed: 1, threads: 1)
    #expect(values(seed: 1, threads: 3) == first)
    #expect(values(seed: 2, threads: 1) != first)
    let bound = 1 / Float(300).squareRoot()
    #expect(first.allSatisfy { abs($0) <= bound })
    #expect((first.max() ?? 0) > 0.99 * bound && (first.min() ?? 0) < -0.99 * bound)
  }

  @Test func twoParametersOfOneShapeStartDifferently() {
    struct Pair: Module {
      let first = Embedding(count: 10, width: 10)
      let second = Embedding(count: 10, width: 10)
    }
    let memory = Memory(Pair())
    #expect(Array(memory.values[..<100]) != Array(memory.values[112..<212]))
    #expect(memory.values[100..<112].allSatisfy { $0 == 0 })
  }

  @Test func aParameterWithoutMemoryCannotBeUsed() async {
    await #expect(processExitsWith: .failure) {
      _ = Parameter([2], initializer: .ones).tensor
    }
  }
}
