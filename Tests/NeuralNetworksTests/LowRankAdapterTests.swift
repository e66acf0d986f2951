import LockstepNeuralNetworks
import LockstepTensors
import TestSupport
import Testing

@Suite struct LowRankAdapterTests {
  private let workspace = Workspace()

  /// Two layers, one of them with an activation that is computed again in the backward pass.
  private struct Network: Module {
    let first: Linear
    let second: Linear
    let head = OutputHead(count: 3, width: 6, initializer: .normal(deviation: 1))

    init(_ layout: WeightLayout) {
      first = Linear(inputs: 5, outputs: 7, layout: layout, activation: .gelu)
      second = Linear(inputs: 7, outputs: 6, layout: layout)
    }

    static let checkpointNames = ["first": "mlp.up"]

    func callAsFunction(_ x: Tensor) -> Tensor { first(x, then: second) }
  }

  private struct Bound {
    let store: ParameterStore
    let values: UnsafeMutableBufferPointer<Float>
    private let memory: FloatMemory

    init(_ module: some Module, seed: UInt64 = 4, in workspace: Workspace) throws {
      store = ParameterStore(of: module)
      memory = FloatMemory(count: store.flatCount)
      values = memory.elements
      store.bind(to: memory, in: workspace)
      store.initialize(try #require(values.baseAddress), seed: seed, in: workspace)
    }

    func fill(_ name: String, _ elements: [Float]) throws {
      let entry = try #require(store.entries.first { $0.name == name })
      _ = UnsafeMutableBufferPointer(rebasing: values[entry.range]).update(from: elements)
    }

    func elements(_ name: String) throws -> [Float] {
      Array(values[try #require(store.entries.first { $0.name == name }).range])
    }
  }

  private func input() -> Tensor {
    var generator = SeededGenerator(seed: 3)
    return Tensor(generator.normals(20), shape: [4, 5], in: workspace)
  }

  private func form(_ hasMagnitudes: Bool) -> LowRankAdapter.Form {
    LowRankAdapter.Form(rank: 2, scale: 0.5, hasMagnitudes: hasMagnitudes)
  }

  @Test func adaptersAreNamedAsPartsOfTheirLayersAndAloneAreTrained() throws {
    let network = Network(.outputsByInputs)
    #expect(network.adaptableLayers.map(\.name) == ["mlp.up", "second"])
    network.adapt(network.adaptableLayers, as: form(true))
    let store = ParameterStore(of: network)
    let adapters = ["mlp.up", "second"].flatMap { layer in
      ["lora_A.weight", "lora_B.weight", "lora_magnitude_vector"].map { "\(layer).\($0)" }
    }
    #expect(store.entries.filter(\.isTrained).map(\.name) == adapters)
    #expect(store.entries.filter(\.isOfAdapter).map(\.name) == adapters)
    let trained = store.entries.filter(\.isTrained).map(\.range.upperBound).max() ?? 0
    let frozen = store.entries.filter { !$0.isTrained }.map(\.range.lowerBound).min() ?? 0
    #expect(trained <= store.trainedCount && store.trainedCount <= frozen)
    #expect(store.trainedParameterCount == 2 * (5 + 7) + 7 + 2 * (7 + 6) + 6)
  }

  @Test(arguments: [false, true], [WeightLayout.outputsByInputs, .inputsByOutputs])
  func aNewAdapterChangesNothing(hasMagnitudes: Bool, layout: WeightLayout) throws {
    let plain = Network(layout)
    let base = try Bound(plain, in: workspace)
    let adapted = Network(layout)
    adapted.adapt(adapted.adaptableLayers, as: form(hasMagnitudes))
    let bound = try Bound(adapted, in: workspace)
    for entry in base.store.entries { try bound.fill(entry.name, base.elements(entry.name)) }
    bound.store.initializeMagnitudes(try #require(bound.values.baseAddress))
    let (found, expected) = (adapted(input()).elements, plain(input()).elements)
    for (one, other) in zip(found, expected) { #expect(abs(one - other) <= 1e-6) }
    #expect(found.count == expected.count)
  }

  @Test(arguments: [false, true], [WeightLayout.outputsByInputs, .inputsByOutputs])
  func aMergedModelComputesWhatTheAdaptedOneDoes(hasMagnitudes: Bool, layout: WeightLayout) throws {
    let network = Network(layout)
    network.adapt(network.adaptableLayers, as: form(hasMagnitudes))
    let bound = try Bound(network, in: workspace)
    var generator = SeededGenerator(seed: 9)
    for entry in bound.store.entries where entry.isOfAdapter {
      let isLength = entry.name.hasSuffix("vector")
      try bound.fill(
        entry.name, generator.normals(entry.shape.count).map { isLength ? 1 + $0 / 4 : $0 })
    }
    let expected = network(input()).elements
    bound.store.mergeAdapters(try #require(bound.values.baseAddress))
    let merged = Network(layout)
    let plain = try Bound(merged, in: workspace)
    for entry in plain.store.entries { try plain.fill(entry.name, bound.elements(entry.name)) }
    let found = merged(input()).elements
    let scale = expected.map(abs).max() ?? 0
    for (one, other) in zip(found, expected) { #expect(abs(one - other) <= 2e-6 * scale) }
  }

  /// Pruned weights have no direction that a magnitude could stretch.
  @Test(arguments: [WeightLayout.outputsByInputs, .inputsByOutputs])
  func anOutputWhoseWeightsAreZeroStaysSoWithMagnitudes(layout: WeightLayout) throws {
    let network = Network(layout)
    network.adapt(network.adaptableLayers, as: form(true))
    let bound = try Bound(network, in: workspace)
    let (inputs, outputs, pruned) = (7, 6, 2)
    var weight = try bound.elements("second.weight")
    for input in 0..<inputs {
      weight[layout == .outputsByInputs ? pruned * inputs + input : input * outputs + pruned] = 0
    }
    try bound.fill("second.weight", weight)
    bound.store.initializeMagnitudes(try #require(bound.values.baseAddress))
    let slopes = FloatMemory(count: bound.store.trainedCount)
    bound.store.beginGradient(into: slopes)
    let output = network(input())
    (output * output).sum().backward()
    bound.store.finishGradient()
    for entry in bound.store.entries where entry.isTrained {
      #expect(slopes.elements[entry.range].allSatisfy { $0.isFinite }, "\(entry.name)")
    }
    let found = output.elements
    bound.store.mergeAdapters(try #require(bound.values.baseAddress))
    let merged = Network(layout)
    let plain = try Bound(merged, in: workspace)
    for entry in plain.store.entries { try plain.fill(entry.name, bound.elements(entry.name)) }
    for (one, other) in zip(found, merged(input()).elements) { #expect(abs(one - other) <= 1e-6) }
  }

  @Test func dropoutIsOfTheAdapterAloneAndOnlyInTraining() throws {
    let network = Network(.outputsByInputs)
    network.adapt(
      network.adaptableLayers, as: LowRankAdapter.Form(rank: 2, scale: 1, dropout: 0.5))
    let bound = try Bound(network, in: workspace)
    workspace.isTraining = true
    workspace.seekRandom(seed: 1, step: 0, microbatch: 0)
    let unchanged = network(input()).elements
    var generator = SeededGenerator(seed: 2)
    for entry in bound.store.entries where entry.name.contains("lora_B") {
      try bound.fill(entry.name, generator.normals(entry.shape.count))
    }
    workspace.seekRandom(seed: 1, step: 0, microbatch: 0)
    let dropped = network(input()).elements
    workspace.isTraining = false
    let whole = network(input()).elements
    #expect(dropped != unchanged && dropped != whole && whole != unchanged)
  }
}
