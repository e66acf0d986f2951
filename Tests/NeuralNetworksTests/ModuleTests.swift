import LockstepNeuralNetworks
import LockstepTensors
import Testing

private struct Leafy: Module {
  let weight = Parameter([2, 3], initializer: .ones)
  let bias: Parameter?

  init(hasBias: Bool = true) {
    bias = hasBias ? Parameter([3], initializer: .zeros) : nil
  }
}

private struct Tree: Module {
  static let checkpointNames = ["first": "trunk.one", "many": "h"]

  let ignored = 5
  let first = Leafy()
  let second: Leafy? = Leafy(hasBias: false)
  let none: Leafy? = nil
  let many = [Leafy(), Leafy(hasBias: false)]
  let mixed: [any Module] = [Leafy(hasBias: false), Twig()]
  let perhaps: [Leafy?] = [nil, Leafy(hasBias: false)]
  let scales = [
    Parameter([4], initializer: .ones), Parameter([5], initializer: .ones),
  ]
  let any: any Module = Twig()
}

private struct Twig: Module {
  let gain = Parameter([1], initializer: .ones)
}

private class Base: Module {
  let early = Parameter([1], initializer: .ones)
}

private final class Derived: Base {
  let late = Parameter([2], initializer: .ones)
}

private struct Tied: Module {
  let input: Embedding
  let output: Embedding

  init() {
    input = Embedding(count: 4, width: 2)
    output = input
  }
}

private struct Forest: Module {
  static let checkpointNames = [
    "trees": "t", "trees.trunk.one.weight": "w", "trees.h": "", "trees.second": "s.two",
  ]

  let trees = [Tree()]
}

@Suite struct ModuleTests {
  @Test func namesOfTheOuterModuleHoldOverThoseOfTheInner() {
    #expect(
      Forest().namedParameters.map(\.name) == [
        "t.0.trunk.one.w", "t.0.trunk.one.bias", "t.0.s.two.weight", "t.0.0.weight",
        "t.0.0.bias", "t.0.1.weight", "t.0.mixed.0.weight", "t.0.mixed.1.gain",
        "t.0.perhaps.1.weight", "t.0.scales.0", "t.0.scales.1", "t.0.any.gain",
      ])
  }

  @Test(arguments: [
    (NormPlacement.pre, nil, true), (.post, nil, false), (.pre, false, false), (.post, true, true),
  ])
  func aResidualStoresItsNormWhereItIsComputedOrWhereItIsTold(
    placement: NormPlacement, storesNormFirst: Bool?, isFirst: Bool
  ) {
    let residual = Residual(
      Twig(), norm: RMSNorm(width: 2), placement: placement, storesNormFirst: storesNormFirst)
    let names = ["norm.weight", "branch.gain"]
    #expect(residual.namedParameters.map(\.name) == (isFirst ? names : names.reversed()))
  }

  @Test func parametersAreFoundInOptionalsArraysAndNestedModulesInOrder() {
    #expect(
      Tree().namedParameters.map(\.name) == [
        "trunk.one.weight", "trunk.one.bias", "second.weight", "h.0.weight", "h.0.bias",
        "h.1.weight", "mixed.0.weight", "mixed.1.gain", "perhaps.1.weight", "scales.0",
        "scales.1", "any.gain",
      ])
  }

  @Test func inheritedParametersComeFirst() {
    #expect(Derived().namedParameters.map(\.name) == ["early", "late"])
  }

  @Test func layersNameTheirParametersAsPyTorchDoes() {
    #expect(Linear(inputs: 2, outputs: 3).namedParameters.map(\.name) == ["weight", "bias"])
    #expect(Linear(inputs: 2, outputs: 3, hasBias: false).namedParameters.map(\.name) == ["weight"])
    #expect(LayerNorm(width: 2).namedParameters.map(\.name) == ["weight", "bias"])
    #expect(RMSNorm(width: 2).namedParameters.map(\.name) == ["weight"])
  }

  @Test func aTiedParameterIsStoredOnceUnderItsFirstName() {
    let store = ParameterStore(of: Tied())
    #expect(store.entries.map(\.name) == ["input.weight"])
    #expect(store.parameterCount == 8)
  }
}
