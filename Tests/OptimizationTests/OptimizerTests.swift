import Foundation
import LockstepOptimization
import LockstepParallelism
import LockstepSettings
import TestSupport
import Testing

@Suite struct OptimizerTests {
  let fixture: OptimizerFixture

  init() throws { fixture = try OptimizerFixture.load() }

  private static let caseCount = 21

  private func optimizer(
    _ reference: OptimizerFixture.Case, layout: ParameterLayout, threads: Int = 1
  ) throws -> any Optimizer {
    let configuration = try OptimizerConfiguration(settings: reference.options.node)
    return configuration.method.rule.optimizer(
      for: layout, peers: NoPeers(), threads: ThreadPool(threadCount: threads))
  }

  @Test(arguments: 0..<caseCount) func agreesWithTheReferenceOverTwentySteps(index: Int) throws {
    #expect(fixture.cases.count == Self.caseCount)
    let reference = fixture.cases[index]
    let optimizer = try optimizer(reference, layout: fixture.layout())
    let clip = ClipNorm(maximum: reference.clip)
    var parameters = fixture.initial
    var records = reference.after
    for (step, gradient) in zip(1..., reference.gradients ?? fixture.gradients) {
      let norm = gradient.reduce(0.0) { $0 + Double($1) * Double($1) }.squareRoot()
      #expect(abs(norm - reference.norms[step - 1]) <= 1e-6 * norm)
      try optimizer.update(
        &parameters, gradient, scale: Float(clip.factor(norm: norm)), step: step,
        learningRate: reference.rates[step - 1])
      if let record = records.first, record.step == step {
        records.removeFirst()
        expectClose(
          parameters, record.parameters, "\(reference): parameters, step \(step)",
          tolerance: reference.tolerance)
      }
    }
    #expect(records.isEmpty)
    for (name, expected) in reference.states {
      let (state, tensor) = try #require(
        optimizer.states.lazy.compactMap { state in
          state.tensors.first { $0.name == name }.map { (state, $0) }
        }.first, "\(reference) has no state \(name)")
      expectClose(
        Array(state.values[tensor.elements]), expected, "\(reference): \(name)",
        tolerance: reference.tolerance)
    }
  }

  @Test(arguments: 0..<caseCount) func whatIsRememberedIsEnoughToGoOn(index: Int) throws {
    let reference = fixture.cases[index]
    let gradients = Array((reference.gradients ?? fixture.gradients).enumerated())
    func train(
      _ optimizer: any Optimizer, _ parameters: inout [Float], steps: Range<Int>
    ) throws {
      for (step, gradient) in gradients[steps] {
        try optimizer.update(
          &parameters, gradient, scale: 0.7, step: step + 1, learningRate: 0.01)
      }
    }
    let straight = try optimizer(reference, layout: fixture.layout())
    var expected = fixture.initial
    try train(straight, &expected, steps: 0..<20)

    let first = try optimizer(reference, layout: fixture.layout())
    var parameters = fixture.initial
    try train(first, &parameters, steps: 0..<11)
    let second = try optimizer(reference, layout: fixture.layout())
    for (state, saved) in zip(second.states, first.states) {
      _ = state.values.update(fromContentsOf: saved.values)
    }
    try second.resume(from: first.notes)
    try train(second, &parameters, steps: 11..<20)
    expectSameBits(parameters, expected, "\(reference)")
    #expect(parameters != fixture.initial)
  }

  /// The promise of world-size independence, as far as elementwise methods go; those that need whole
  /// tensors are tested on ranks, in `OptimizersOnRanksTests`.
  @Test(arguments: [0, 2, 4, 5, 7, 8, 9, 10, 11, 12, 14], [1, 3])
  func bitsDoNotDependOnSlicesOrThreads(index: Int, threads: Int) throws {
    let reference = fixture.cases[index]
    var generator = SeededGenerator(seed: UInt64(10 * index + threads))
    let count = Int.random(in: 100_000...150_000, using: &generator)
    func cuts(_ number: Int) -> [Int] {
      [0] + (0..<number).map { _ in Int.random(in: 0...count, using: &generator) }.sorted()
        + [count]
    }
    let ends = cuts(8)
    let tensors = zip(ends, ends.dropFirst()).enumerated().map { place, ends in
      var tensor = OptimizedTensor(
        name: "\(place)", shape: [ends.1 - ends.0], range: ends.0..<ends.1,
        decays: place.isMultiple(of: 2))
      if place == 3 { tensor.rate = 0.3 }
      return tensor
    }
    func numbers() -> [Float] {
      (0..<count).map { _ in Float.random(in: -1...1, using: &generator) }
    }
    let initial = numbers()
    let gradients = (0..<3).map { _ in numbers() }
    func train(_ layout: ParameterLayout, threads: Int) throws -> (any Optimizer, [Float]) {
      let optimizer = try optimizer(reference, layout: layout, threads: threads)
      var parameters = initial
      for (step, gradient) in zip(1..., gradients) {
        try optimizer.update(
          &parameters, gradient, scale: 0.7, step: step, learningRate: 0.01)
      }
      return (optimizer, parameters)
    }
    let (whole, expected) = try train(
      ParameterLayout(tensors: tensors, elementCount: count), threads: 1)
    let borders = cuts(threads)
    // The first rank has the last part, too.
    var parts = zip(borders, borders.dropFirst()).map { [$0..<$1] }
    parts[0] += parts.removeLast()
    for rank in parts.indices {
      let (piece, parameters) = try train(
        ParameterLayout(tensors: tensors, elementCount: count, parts: parts, rank: rank),
        threads: threads)
      func own(_ values: some Collection<Float>) -> [Float] {
        let values = Array(values)
        return parts[rank].flatMap { values[$0] }
      }
      expectSameBits(own(parameters), own(expected), "\(reference)")
      for (found, all) in zip(piece.states, whole.states) {
        expectSameBits(Array(found.values), own(all.values), "\(reference): state")
      }
    }
  }

  @Test(arguments: [1, 15, 16, 17, 1000]) func kernelAgreesWithTheFormulaElementByElement(
    count: Int
  ) throws {
    var method = AdamW()
    (method.betas, method.epsilon, method.weightDecay) = ([0.9, 0.99], 1e-6, 0.3)
    let decaying = min(3, count)
    let optimizer = ElementwiseOptimizer(
      method,
      layout: ParameterLayout(
        tensors: [
          OptimizedTensor(name: "a", shape: [decaying], range: 0..<decaying, decays: true),
          OptimizedTensor(
            name: "b", shape: [count - decaying], range: decaying..<count, decays: false),
        ], elementCount: count))
    var generator = SeededGenerator(seed: UInt64(count))
    let initial = (0..<count).map { _ in Float.random(in: -1...1, using: &generator) }
    let gradient = (0..<count).map { _ in Float.random(in: -1...1, using: &generator) }
    var parameters = initial
    try optimizer.update(&parameters, gradient, scale: 0.5, step: 1, learningRate: 0.1)
    // In the first step the corrected moments are the gradient and its square.
    let expected = (0..<count).map { index in
      let (p, g) = (Double(initial[index]), 0.5 * Double(gradient[index]))
      let decayed = index < decaying ? p * (1 - 0.1 * 0.3) : p
      return Float(decayed - 0.1 * g / (abs(g) + 1e-6))
    }
    expectClose(parameters, expected, "count \(count)", tolerance: 3e-6)
  }

  /// A run of so many steps that NAdam's μ is β₁ goes on.
  @Test(arguments: [17_378, 17_379, 20_000, 10_000_000])
  func momentumOfNAdamReachesItsEnd(step: Int) {
    var method = NAdam()
    method.momentumDecay = 1
    #expect(method.factor(step: step) == method.betas[0])
  }

  /// As the inner matrix of an adapter's beginning: its first gradient is zero, so that it has no roots until
  /// they are computed again.
  @Test(arguments: ["adam", "none"]) func aMatrixWithoutRootsTakesAdamsStep(grafting: String) throws
  {
    let layout = ParameterLayout(
      tensors: [OptimizedTensor(name: "a", shape: [3, 4], range: 0..<12, decays: true)],
      elementCount: 12)
    func train(_ keys: KeyValuePairs<String, String>) throws -> [[Float]] {
      let optimizer = try OptimizerConfiguration(keys).method.rule.optimizer(
        for: layout, peers: NoPeers(), threads: ThreadPool())
      var parameters = (0..<12).map { Float($0) / 8 }
      return try (1...6).map { step in
        let gradient = (0..<12).map { step == 1 ? 0 : Float(($0 * 7 + step) % 5 - 2) }
        try optimizer.update(&parameters, gradient, scale: 1, step: step, learningRate: 0.1)
        return parameters
      }
    }
    let found = try train(["name": "shampoo", "interval": "4", "grafting": grafting])
    // A side longer than this has no product: AdamW.
    let adam = try train(["name": "shampoo", "largest_side": "1"])
    #expect(found[..<4] == adam[..<4])
    #expect(found[4] != adam[4], "roots are there from step 5 on")
  }

  @Test func lbfgsSolvesWhatGradientDescentOnlyApproaches() throws {
    // An ill-conditioned quadratic: curvatures from 1 to 1000.
    let count = 20
    func gradient(_ x: [Float]) -> [Float] {
      x.enumerated().map { $1 * Float(pow(1000, Double($0) / Double(count - 1))) }
    }
    var x = [Float](repeating: 1, count: count)
    let optimizer = LBFGS().optimizer(
      for: ParameterLayout(
        tensors: [OptimizedTensor(name: "x", shape: [count], range: 0..<count, decays: false)],
        elementCount: count), peers: NoPeers(), threads: ThreadPool())
    for step in 1...120 {
      try optimizer.update(&x, gradient(x), scale: 1, step: step, learningRate: 1)
    }
    #expect(x.allSatisfy { abs($0) < 1e-3 }, "\(x)")
  }
}

@Suite struct ParameterGroupTests {
  private let tensors = [
    OptimizedTensor(name: "a.weight", shape: [2, 2], range: 0..<4, decays: true),
    OptimizedTensor(name: "a.bias", shape: [2], range: 4..<6, decays: false),
    OptimizedTensor(name: "b.weight", shape: [2, 2], range: 6..<10, decays: true),
  ]

  private func group(_ pattern: String, rate: Double = 1, decay: Double? = nil) -> ParameterGroup {
    var group = ParameterGroup()
    (group.parameters, group.rate, group.weightDecay) = (pattern, rate, decay)
    return group
  }

  @Test func theFirstGroupThatMatchesDecides() throws {
    let grouped = try [group("a.*", rate: 0.5), group("*.weight", rate: 2, decay: 0)]
      .applied(to: tensors)
    #expect(grouped.map(\.rate) == [0.5, 0.5, 2])
    #expect(grouped.map(\.weightDecay) == [nil, nil, 0])
  }

  @Test func ratesAndDecaysAreThoseOfTheGroup() throws {
    var method = SGD()
    method.weightDecay = 0.5
    let groups = [group("a.bias", decay: 0.25), group("b.*", rate: 0)]
    let layout = ParameterLayout(tensors: try groups.applied(to: tensors), elementCount: 10)
    let optimizer = ElementwiseOptimizer(method, layout: layout)
    var parameters = [Float](repeating: 4, count: 10)
    try optimizer.update(
      &parameters, [Float](repeating: 0, count: 10), scale: 1, step: 1, learningRate: 0.5)
    #expect(parameters == [3, 3, 3, 3, 3.5, 3.5, 4, 4, 4, 4])
  }

  @Test func ratesDecayFromTheHeadToTheInput() {
    let names = [
      "embed.weight", "layers.0.a.weight", "layers.0.b.1.weight", "layers.2.a.weight",
      "norm.weight",
    ]
    let tensors = names.enumerated().map { index, name in
      OptimizedTensor(name: name, shape: [1], range: index..<index + 1, decays: true)
    }
    #expect(
      tensors.decayed(perLayer: 0.5).map(\.rate) == [0.0625, 0.125, 0.125, 0.5, 1])
    #expect(tensors.decayed(perLayer: 1) == tensors)
    #expect([tensors[0]].decayed(perLayer: 0.5).map(\.rate) == [1])
  }

  @Test func aPatternThatMatchesNothingIsAnError() {
    let error = #expect(throws: ParameterPatternError.self) {
      try [group("c.*")].applied(to: tensors)
    }
    #expect(
      error?.description
        == "optimizer.groups: the pattern c.* matches no parameter; the model has a.weight, "
        + "a.bias, b.weight")
  }

  @Test(arguments: [
    ("*", "", true), ("*", "a.b", true), ("a*b", "ab", true), ("a*b", "axxb", true),
    ("a*b", "axxbc", false), ("?", "", false), ("a?c", "abc", true), ("*.h.?.*", "x.h.1.w", true),
    ("*.h.?.*", "x.h.11.w", false), ("*ab*ab", "abxab", true), ("*ab*ab", "ab", false),
    ("a.b", "a.b", true), ("a.b", "axb", false), ("**c", "abc", true),
  ])
  func patternsMatch(pattern: String, name: String, matches: Bool) {
    #expect(NamePattern(pattern).matches(name) == matches)
  }
}

@Suite struct OptimizerConfigurationTests {
  @Test(arguments: OptimizerConfiguration.Method.variants.map(\.name))
  func everyMethodIsReachableByName(name: String) throws {
    let configuration = try OptimizerConfiguration(["name": name, "clip_norm": "0"])
    #expect(configuration.method.variantName == name)
  }

  @Test func aKeyOfAnotherMethodIsAnError() {
    let error = #expect(throws: ConfigurationError.self) {
      try OptimizerConfiguration(["name": "lion", "momentum": "0.5"])
    }
    #expect("\(String(describing: error))".contains("a key of name: "))
  }

  @Test func lbfgsRefusesClipping() {
    let error = #expect(throws: ConfigurationError.self) {
      try OptimizerConfiguration(["name": "lbfgs"])
    }
    #expect("\(String(describing: error))".contains("clip_norm"))
  }

  @Test(arguments: ["1e-30", "2.6e-23"])
  func anEpsilonOfAdafactorWhoseSquareIsZeroIsRefused(epsilon: String) {
    let error = #expect(throws: ConfigurationError.self) {
      try OptimizerConfiguration(["name": "adafactor", "epsilon": epsilon])
    }
    let message = String(describing: error)
    #expect(message.contains("epsilon: found \(epsilon), expected at least 3e-23"), "\(message)")
    #expect(message.contains("write 1e-15"), "\(message)")
  }

  /// Matrices and vectors of which nothing, or only a row, has a gradient.
  @Test func theSmallestEpsilonOfAdafactorMakesNoNaN() throws {
    let layout = ParameterLayout(
      tensors: [
        OptimizedTensor(name: "a", shape: [3, 4], range: 0..<12, decays: true),
        OptimizedTensor(name: "b", shape: [4], range: 12..<16, decays: false),
      ],
      elementCount: 16)
    let configuration = try OptimizerConfiguration(["name": "adafactor", "epsilon": "3e-23"])
    let zeros = [Float](repeating: 0, count: 16)
    for gradient in [zeros, [0, 0, 0, 0, 1, 2] + zeros.dropLast(6)] {
      let optimizer = configuration.method.rule.optimizer(
        for: layout, peers: NoPeers(), threads: ThreadPool())
      var parameters = [Float](repeating: 1, count: 16)
      try optimizer.update(&parameters, gradient, scale: 1, step: 1, learningRate: 0.1)
      #expect(parameters.allSatisfy { $0.isFinite }, "\(parameters)")
    }
  }

  @Test func nesterovNeedsMomentum() {
    #expect(throws: ConfigurationError.self) {
      try OptimizerConfiguration(["name": "sgd", "nesterov": "true"])
    }
  }
}
