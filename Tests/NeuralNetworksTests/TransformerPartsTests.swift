// B sequences, T positions, D width, H heads, G heads of keys and values, K head width.

import LockstepNeuralNetworks
import LockstepTensors
import TestSupport
import Testing

/// The parts that architectures share, where their golden fixtures do not reach.
@Suite struct TransformerPartsTests {
  private let workspace = Workspace()
  private let sequences = 2
  private let positions = 5
  private let width = 12

  private func input() -> Tensor {
    var generator = SeededGenerator(seed: 3)
    let elements = (0..<sequences * positions * width).map { _ in
      Float.random(in: -1...1, using: &generator)
    }
    return Tensor(elements, shape: [sequences, positions, width], in: workspace)
  }

  /// A module's parameters, filled by its initialisers, which hold their memory.
  private func bind(_ module: some Module) -> [String: UnsafeMutableBufferPointer<Float>] {
    let store = ParameterStore(of: module)
    let memory = FloatMemory(count: store.flatCount)
    let values = memory.elements
    store.bind(to: memory, in: workspace)
    store.initialize(values.baseAddress!, seed: 4, in: workspace)
    return Dictionary(
      uniqueKeysWithValues: store.entries.map {
        ($0.name, UnsafeMutableBufferPointer(rebasing: values[$0.range]))
      })
  }

  @Test func aJointProjectionIsThreeSeparateOnesSideBySide() {
    let heads = AttentionHeads(count: 4, keyValueCount: 2, width: 6)
    func linear(_ outputs: Int) -> Linear { Linear(inputs: width, outputs: outputs) }
    let separate = SelfAttention(
      SeparateProjections(queries: linear(24), keys: linear(12), values: linear(12)),
      output: Linear(inputs: 24, outputs: width), heads: heads)
    let joint = SelfAttention(
      JointProjection(linear(48)), output: Linear(inputs: 24, outputs: width), heads: heads)
    let (apart, together) = (bind(separate), bind(joint))
    for part in ["weight", "bias"] {
      let rows = ["queries", "keys", "values"].flatMap { Array(apart["\($0).\(part)"]!) }
      _ = together["joint.\(part)"]!.update(from: rows)
      _ = together["output.\(part)"]!.update(from: apart["output.\(part)"]!)
    }
    let x = input()
    #expect(joint(x, mask: .causal).elements == separate(x, mask: .causal).elements)
  }

  @Test func theOrderOfProjectionsChangesNoOutput() {
    func attention(_ order: SeparateProjections.Order) -> SelfAttention {
      func linear() -> Linear { Linear(inputs: width, outputs: width) }
      return SelfAttention(
        SeparateProjections(queries: linear(), keys: linear(), values: linear(), order: order),
        output: linear(), heads: AttentionHeads(count: 3, width: 4))
    }
    let (one, other) = (attention(.queriesKeysValues), attention(.keysValuesQueries))
    _ = bind(one)
    _ = bind(other)
    let x = input()
    #expect(one(x, mask: .full).elements == other(x, mask: .full).elements)
  }

  @Test func normsOfQueriesAndKeysMakeTheirLengthMeaningless() {
    func attention() -> SelfAttention {
      func linear() -> Linear { Linear(inputs: width, outputs: width, hasBias: false) }
      return SelfAttention(
        SeparateProjections(queries: linear(), keys: linear(), values: linear()),
        output: linear(), heads: AttentionHeads(count: 3, width: 4),
        queryNorm: RMSNorm(width: 4, epsilon: 0), keyNorm: RMSNorm(width: 4, epsilon: 0))
    }
    let (one, other) = (attention(), attention())
    _ = bind(one)
    let parameters = bind(other)
    for name in ["queries.weight", "keys.weight"] {
      for index in parameters[name]!.indices { parameters[name]![index] *= 4 }
    }
    let x = input()
    #expect(one(x, mask: .causal).elements == other(x, mask: .causal).elements)
  }

  @Test(arguments: [Activation.silu, .gelu])
  func aGatedFeedForwardFollowsItsFormula(activation: Activation) throws {
    func linear() -> Linear { Linear(inputs: width, outputs: width) }
    let (gate, expansion, output) = (linear(), linear(), linear())
    let feedForward = FeedForward(
      gate: gate, expansion: expansion, output: output, activation: activation)
    _ = bind(feedForward)
    let x = input()
    let product = zip(gate(x).activated(by: activation).elements, expansion(x).elements).map(*)
    let expected = output(Tensor(product, shape: x.shape, in: workspace)).elements
    let found = feedForward(x).elements
    #expect(zip(found, expected).allSatisfy { abs($0 - $1) < 1e-5 })
  }

  /// A branch that says nothing of what it does with its input.
  private struct Silent<Branch: Module>: Module {
    let branch: Branch
  }

  /// The norm's output is rounded as it is written for a branch that multiplies only, and as it is packed for
  /// another one.
  @Test(arguments: [NormPlacement.pre, .post], [ProductFormat.bfloat16, .float32])
  func whatABranchSaysOfItsInputChangesNoBit(placement: NormPlacement, format: ProductFormat) {
    workspace.products.format = format
    defer { workspace.products.format = .float32 }
    func linear() -> Linear { Linear(inputs: width, outputs: width) }
    let attention = SelfAttention(
      SeparateProjections(queries: linear(), keys: linear(), values: linear()), output: linear(),
      heads: AttentionHeads(count: 3, width: 4))
    let feedForward = FeedForward(gate: linear(), expansion: linear(), output: linear())
    let norm = RMSNorm(width: width)
    _ = bind(BlockParts(attention: attention, feedForward: feedForward, norm: norm))
    #expect(attention.multipliesOnly && feedForward.multipliesOnly)
    func residual<Branch: Module>(_ branch: Branch) -> Residual<Branch> {
      Residual(branch, norm: norm, placement: placement)
    }
    let x = input()
    let attended = residual(attention)(x, as: "") {
      $0($1, mask: .causal, addedTo: $2)
    }
    let silently = residual(Silent(branch: attention))(x, as: "") {
      $0.branch($1, mask: .causal, addedTo: $2)
    }
    #expect(attended.elements == silently.elements)
    #expect(
      residual(feedForward)(x, as: "") { $0($1, addedTo: $2) }.elements
        == residual(Silent(branch: feedForward))(x, as: "") { $0.branch($1, addedTo: $2) }.elements)
  }

  /// Without an observer, the branch's last layer adds its output to the input itself.
  @Test(arguments: [NormPlacement.pre, .post], [false, true])
  func whoeverAddsTheInputChangesNoBit(placement: NormPlacement, isAdapted: Bool) {
    final class Nobody: ActivationObserver {
      func forward(_ name: String, _ values: UnsafeBufferPointer<Float>, shape: Shape) {}
      func backward(_ name: String, _ gradient: UnsafeBufferPointer<Float>, shape: Shape) {}
    }
    func linear(_ activation: Activation? = nil) -> Linear {
      Linear(inputs: width, outputs: width, activation: activation)
    }
    let heads = AttentionHeads(count: 3, width: 4)
    let norm = LayerNorm(width: width)
    let blocks = [
      FeedForward(linear(.geluTanh), output: linear()),
      FeedForward(gate: linear(), expansion: linear(), output: linear()),
    ].map { feedForward in
      Branches(
        attention: Residual(
          SelfAttention(
            SeparateProjections(queries: linear(), keys: linear(), values: linear()),
            output: linear(), heads: heads), norm: norm, placement: placement),
        crossAttention: Residual(
          CrossAttention(
            queries: linear(), keys: linear(), values: linear(), output: linear(), heads: heads),
          norm: norm, placement: placement),
        feedForward: Residual(feedForward, norm: norm, placement: placement))
    }
    for block in blocks {
      if isAdapted { block.adapt(block.adaptableLayers, as: .init(rank: 2, scale: 1)) }
      let bound = bind(block)
      defer { withExtendedLifetime(bound) {} }
      func bits(_ observer: (any ActivationObserver)?) -> [UInt32] {
        workspace.observer = observer
        defer { workspace.observer = nil }
        let x = Tensor.variable(
          input().elements, shape: [sequences, positions, width], in: workspace)
        let source = block.crossAttention.branch.sourceKeys(of: input())
        var y = block.attention(x, as: "") { $0($1, mask: .causal, addedTo: $2) }
        y = block.crossAttention(y, as: "") { $0($1, over: source, mask: .full, addedTo: $2) }
        y = block.feedForward(y, as: "") { $0($1, addedTo: $2) }
        let elements = y.elements
        (y * y).sum().backward()
        return (elements + (x.gradient ?? [])).map(\.bitPattern)
      }
      let (within, after) = (bits(nil), bits(Nobody()))
      #expect(within.count == 2 * sequences * positions * width)
      let isSame = within == after
      #expect(isSame)
    }
  }

  private struct Branches: Module {
    let attention: Residual<SelfAttention>
    let crossAttention: Residual<CrossAttention>
    let feedForward: Residual<FeedForward>
  }

  private struct BlockParts: Module {
    let attention: SelfAttention
    let feedForward: FeedForward
    let norm: RMSNorm
  }

  /// An adapter may drop elements of its input, which are floats.
  @Test func aBranchWithAnAdapterTakesFloats() {
    let feedForward = FeedForward(
      Linear(inputs: width, outputs: width, activation: .relu),
      output: Linear(inputs: width, outputs: width))
    #expect(feedForward.multipliesOnly)
    feedForward.adapt(
      [feedForward.adaptableLayers[0]], as: .init(rank: 2, scale: 1, dropout: 0.5))
    #expect(!feedForward.multipliesOnly)
  }

  @Test func aStackShowsItsBlocksByNameAndRunsThemInOrder() {
    final class Names: ActivationObserver {
      var seen: [String] = []
      func forward(_ name: String, _ values: UnsafeBufferPointer<Float>, shape: Shape) {
        seen.append(name)
      }
      func backward(_ name: String, _ gradient: UnsafeBufferPointer<Float>, shape: Shape) {}
    }
    let names = Names()
    workspace.observer = names
    defer { workspace.observer = nil }
    let stack = BlockStack(count: 3, name: "layer") { RMSNorm(width: 1) }
    var places: [Int] = []
    let x = Tensor([1], shape: [1, 1, 1], in: workspace)
    let result = stack(x) { _, x, index, _ in
      places.append(index)
      return x * Float(index + 2)
    }
    #expect(result.item == 24 && places == [0, 1, 2])
    #expect(names.seen == ["layer 0 output", "layer 1 output", "layer 2 output"])
  }
}
