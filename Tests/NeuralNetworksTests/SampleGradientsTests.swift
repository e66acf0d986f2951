// B samples, T positions, F features.

import LockstepNeuralNetworks
import LockstepTensors
import TestSupport
import Testing

/// Norms and sums of single samples' gradients, found in one backward pass, are those of batches of one.
@Suite struct SampleGradientsTests {
  private struct Chain: Module {
    let first: Linear
    let second: Linear
    var norm: LayerNorm?
    /// Whether the second layer is used twice.
    var repeats = false
    /// Whether the first layer's activations are computed again.
    var joined = false

    func callAsFunction(_ x: Tensor) -> Tensor {
      if joined { return first(x, then: second) }
      let hidden = first(x)
      let normed = norm.map { $0(hidden) } ?? hidden
      return repeats ? second(second(normed)) : second(normed)
    }
  }

  private static let samples = 5

  private func chain(
    layout: WeightLayout = .outputsByInputs, hasBias: Bool = true, normed: Bool = false,
    repeats: Bool = false, joined: Bool = false, freezing: Bool = false
  ) -> Chain {
    let first = Linear(
      inputs: 6, outputs: 9, hasBias: hasBias, layout: layout, activation: .tanh)
    if freezing {
      first.weight.freeze()
      first.bias?.freeze()
    }
    return Chain(
      first: first, second: Linear(inputs: 9, outputs: repeats ? 9 : 4, layout: layout),
      norm: normed ? LayerNorm(width: 9) : nil, repeats: repeats, joined: joined)
  }

  /// The flat gradient of some samples' summed loss, told apart where `gradients` is given.
  private func gradient(
    of chain: Chain, _ store: ParameterStore, _ range: Range<Int>, positions: Int?,
    in workspace: Workspace, telling gradients: SampleGradients? = nil,
    factors: ((SampleGradients) -> [Double])? = nil
  ) -> [Float] {
    var generator = SeededGenerator(seed: 3)
    let length = (positions ?? 1) * 6
    let all = generator.normals(Self.samples * length)
    let x = Tensor(
      Array(all[range.lowerBound * length..<range.upperBound * length]),
      shape: positions.map { [range.count, $0, 6] } ?? [range.count, 6], in: workspace)
    let memory = FloatMemory(count: store.trainedCount)
    store.beginGradient(into: memory)
    let outputs = chain(x)
    workspace.sampleGradients = gradients
    (outputs * outputs).sum().backward()
    if let gradients, let factors { gradients.sum(times: factors(gradients)) }
    workspace.sampleGradients = nil
    store.finishGradient()
    return Array(memory.elements)
  }

  private func store(_ chain: Chain, in workspace: Workspace) -> ParameterStore {
    let store = ParameterStore(of: chain)
    let memory = FloatMemory(count: store.flatCount)
    store.bind(to: memory, in: workspace)
    if let base = memory.elements.baseAddress {
      store.initialize(base, seed: 1, in: workspace)
    }
    return store
  }

  private static let layers: [(name: String, positions: Int?, make: @Sendable (Self) -> Chain)] = [
    ("vectors", nil, { $0.chain() }),
    ("vectors without bias", nil, { $0.chain(hasBias: false) }),
    ("weights the other way", nil, { $0.chain(layout: .inputsByOutputs) }),
    ("frozen below", nil, { $0.chain(freezing: true) }),
    ("activations again", nil, { $0.chain(joined: true) }),
    ("sequences", 7, { $0.chain() }),
    ("sequences, weights the other way", 7, { $0.chain(layout: .inputsByOutputs) }),
    ("sequences, frozen below", 3, { $0.chain(freezing: true) }),
    ("sequences, activations again", 4, { $0.chain(joined: true) }),
  ]

  @Test(arguments: layers.indices, [1, 2]) func normsAndSumsAreThoseOfBatchesOfOne(
    index: Int, threads: Int
  ) {
    let (name, positions, make) = Self.layers[index]
    let (chain, workspace) = (make(self), Workspace(threadCount: threads))
    let store = store(chain, in: workspace)
    let single = (0..<Self.samples).map {
      gradient(of: chain, store, $0..<$0 + 1, positions: positions, in: workspace)
    }
    let gradients = SampleGradients(sampleCount: Self.samples)
    let factors = [0.5, 0, 1, 0.125, 2]
    let sum = gradient(
      of: chain, store, 0..<Self.samples, positions: positions, in: workspace,
      telling: gradients, factors: { _ in factors })
    #expect(gradients.isComplete, "\(name)")
    for sample in 0..<Self.samples {
      let expected = single[sample].reduce(0) { $0 + Double($1) * Double($1) }
      #expect(abs(gradients.squares[sample] / expected - 1) < 1e-5, "\(name), sample \(sample)")
    }
    for element in sum.indices {
      let expected = zip(single, factors).reduce(0) { $0 + Double($1.0[element]) * $1.1 }
      #expect(abs(Double(sum[element]) - expected) < 1e-4, "\(name), element \(element)")
    }
  }

  @Test func whatCanNotBeToldApartIsNotTakenForComplete() {
    let workspace = Workspace(threadCount: 1)
    for chain in [chain(normed: true), chain(repeats: true)] {
      let gradients = SampleGradients(sampleCount: Self.samples)
      _ = gradient(
        of: chain, store(chain, in: workspace), 0..<Self.samples, positions: nil, in: workspace,
        telling: gradients)
      #expect(!gradients.isComplete)
    }
  }
}
