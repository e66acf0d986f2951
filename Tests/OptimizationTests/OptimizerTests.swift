import Foundation
import Optimization
import Parallelism
import Testing

@Suite struct OptimizerTests {
  let fixture: Fixture

  init() throws { fixture = try Fixture.load() }

  @Test(arguments: 0..<4) func agreesWithPyTorchOverTwentySteps(index: Int) throws {
    let reference = fixture.cases[index]
    let optimizer = Self.optimizer(
      reference, slice: 0..<fixture.initial.count, decayRanges: [0..<fixture.matrixElements])
    let clip = ClipNorm(maximum: reference.clip)
    var parameters = fixture.initial
    var records = reference.after
    for (step, gradient) in zip(1..., fixture.gradients) {
      let norm = gradient.reduce(0.0) { $0 + Double($1) * Double($1) }.squareRoot()
      #expect(abs(norm - reference.norms[step - 1]) <= 1e-6 * norm)
      Self.update(
        optimizer, &parameters, gradient, scale: Float(clip.factor(norm: norm)), step: step,
        learningRate: reference.rates[step - 1])
      if let record = records.first, record.step == step {
        records.removeFirst()
        expectClose(parameters, record.parameters, "\(reference): parameters, step \(step)")
        #expect(optimizer.states.map(\.name).sorted() == record.states.keys.sorted())
        for state in optimizer.states {
          expectClose(
            Array(state.values), record.states[state.name] ?? [],
            "\(reference): \(state.name), step \(step)")
        }
      }
    }
    #expect(records.isEmpty)
  }

  /// The promise of world-size independence, as far as optimisers go.
  @Test(arguments: 0..<4, [1, 2, 3]) func bitsDoNotDependOnSlicesOrThreads(index: Int, threads: Int)
    throws
  {
    let reference = fixture.cases[index]
    let count = Int.random(in: 100_000...150_000)
    let initial = (0..<count).map { _ in Float.random(in: -1...1) }
    // Several ranges, some across the cuts of slices.
    let cuts = (0..<8).map { _ in Int.random(in: 0...count) }.sorted()
    let decayRanges = stride(from: 0, to: 8, by: 2).map { cuts[$0]..<cuts[$0 + 1] }
    let gradients = (0..<3).map { _ in (0..<count).map { _ in Float.random(in: -1...1) } }

    let whole = Self.train(
      Self.optimizer(reference, slice: 0..<count, decayRanges: decayRanges), initial, gradients)
    let pool = ThreadPool(threadCount: threads)
    let borders = [0] + (0..<threads).map { _ in Int.random(in: 0...count) }.sorted() + [count]
    var pieces: [Float] = []
    var states: [[Float]] = whole.states.map { _ in [] }
    for (start, end) in zip(borders, borders.dropFirst()) {
      let piece = Self.train(
        Self.optimizer(reference, slice: start..<end, decayRanges: decayRanges, pool: pool),
        Array(initial[start..<end]), gradients.map { Array($0[start..<end]) })
      pieces += piece.parameters
      for index in states.indices { states[index] += piece.states[index] }
    }
    expectSameBits(pieces, whole.parameters, "parameters")
    for (found, expected) in zip(states, whole.states) { expectSameBits(found, expected, "state") }
  }

  @Test(arguments: [1, 15, 16, 17, 1000]) func kernelAgreesWithTheFormulaElementByElement(
    count: Int
  ) {
    let optimizer = AdamW(
      slice: 7..<7 + count, decayRanges: [0..<10],
      hyperparameters: .init(beta1: 0.9, beta2: 0.99, epsilon: 1e-6, weightDecay: 0.3))
    let initial = (0..<count).map { _ in Float.random(in: -1...1) }
    let gradient = (0..<count).map { _ in Float.random(in: -1...1) }
    var parameters = initial
    Self.update(optimizer, &parameters, gradient, scale: 0.5, step: 1, learningRate: 0.1)
    // In the first step the corrected moments are the gradient and its square.
    let expected = (0..<count).map { index in
      let (p, g) = (Double(initial[index]), 0.5 * Double(gradient[index]))
      let decayed = 7 + index < 10 ? p * (1 - 0.1 * 0.3) : p
      return Float(decayed - 0.1 * g / (abs(g) + 1e-6))
    }
    expectClose(parameters, expected, "count \(count)", tolerance: 3e-6)
  }

  @Test func emptySlicesAreFine() {
    // A rank can be left without elements where there are more ranks than work.
    let optimizer = AdamW(slice: 5..<5, decayRanges: [0..<10])
    var parameters: [Float] = []
    Self.update(optimizer, &parameters, [], scale: 1, step: 1, learningRate: 1)
    #expect(optimizer.states.allSatisfy { $0.values.isEmpty })
  }

  @Test func restoredStateContinuesWithTheSameBits() {
    let reference = fixture.cases[0]
    let count = fixture.initial.count
    func make() -> any Optimizer {
      Self.optimizer(reference, slice: 0..<count, decayRanges: [0..<fixture.matrixElements])
    }
    let straight = Self.train(make(), fixture.initial, fixture.gradients)
    let first = Self.train(make(), fixture.initial, Array(fixture.gradients[..<9]))
    let resumed = make()
    for (state, saved) in zip(resumed.states, first.states) {
      _ = state.values.update(fromContentsOf: saved)
    }
    let second = Self.train(
      resumed, first.parameters, Array(fixture.gradients[9...]), firstStep: 10)
    expectSameBits(second.parameters, straight.parameters, "parameters")
  }

  private static func optimizer(
    _ reference: Fixture.Case, slice: Range<Int>, decayRanges: [Range<Int>],
    pool: ThreadPool? = nil
  ) -> any Optimizer {
    if let betas = reference.betas, let epsilon = reference.epsilon {
      return AdamW(
        slice: slice, decayRanges: decayRanges,
        hyperparameters: .init(
          beta1: betas[0], beta2: betas[1], epsilon: epsilon, weightDecay: reference.weightDecay),
        pool: pool)
    }
    return SGD(
      slice: slice, decayRanges: decayRanges, momentum: reference.momentum ?? 0,
      weightDecay: reference.weightDecay, pool: pool)
  }

  private static func update(
    _ optimizer: any Optimizer, _ parameters: inout [Float], _ gradient: [Float], scale: Float,
    step: Int, learningRate: Double
  ) {
    parameters.withUnsafeMutableBufferPointer { parameters in
      gradient.withUnsafeBufferPointer { gradient in
        optimizer.update(
          parameters: parameters, gradient: gradient, scale: scale, step: step,
          learningRate: learningRate)
      }
    }
  }

  private static func train(
    _ optimizer: any Optimizer, _ initial: [Float], _ gradients: [[Float]], firstStep: Int = 1
  ) -> (parameters: [Float], states: [[Float]]) {
    var parameters = initial
    for (step, gradient) in zip(firstStep..., gradients) {
      update(optimizer, &parameters, gradient, scale: 0.7, step: step, learningRate: 0.01)
    }
    return (parameters, optimizer.states.map { Array($0.values) })
  }
}

/// Equal up to rounding: relative to the larger, with a floor for what has cancelled.
func expectClose(
  _ found: [Float], _ expected: [Float], _ what: String, tolerance: Float = 2e-6,
  sourceLocation: SourceLocation = #_sourceLocation
) {
  #expect(found.count == expected.count, "\(what)", sourceLocation: sourceLocation)
  for (index, (a, b)) in zip(found, expected).enumerated()
  where !(abs(a - b) <= tolerance * max(abs(a), abs(b), 0.1)) {
    Issue.record("\(what): element \(index): \(a), not \(b)", sourceLocation: sourceLocation)
    return
  }
}

/// Equal to the last bit; tells the first element that is not.
func expectSameBits(
  _ found: [Float], _ expected: [Float], _ what: String,
  sourceLocation: SourceLocation = #_sourceLocation
) {
  let difference = zip(found, expected).enumerated().first { $1.0.bitPattern != $1.1.bitPattern }
  #expect(found.count == expected.count, "\(what)", sourceLocation: sourceLocation)
  if let (index, (a, b)) = difference {
    Issue.record("\(what): element \(index): \(a), not \(b)", sourceLocation: sourceLocation)
  }
}
