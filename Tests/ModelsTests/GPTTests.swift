import LockstepModels
import LockstepNeuralNetworks
import LockstepTensors
import TestSupport
import Testing

@Suite struct GPTTests {
  static func batch(
    sequences: Int, positions: Int, vocabulary: Int, seed: UInt64 = 1
  ) -> (tokens: Indices, targets: Indices) {
    var generator = SeededGenerator(seed: seed)
    let shape: Shape = [sequences, positions]
    let range = 0..<Int32(vocabulary)
    return (
      Indices(generator.integers(shape.count, in: range), shape: shape),
      Indices(generator.integers(shape.count, in: range), shape: shape)
    )
  }

  @Test func parametersAreInitializedAsGPT2Prescribes() {
    let layers = 8
    let bound = BoundModel(
      GPT(.small(layers: layers, width: 64, context: 64), vocabularyCount: 500))
    for entry in bound.store.entries {
      let values = bound.values[entry.range]
      let square = values.reduce(0) { $0 + Double($1) * Double($1) } / Double(values.count)
      if entry.name.hasSuffix(".bias") {
        #expect(values.allSatisfy { $0 == 0 }, "\(entry.name)")
      } else if entry.name.contains(".ln_") {
        #expect(values.allSatisfy { $0 == 1 }, "\(entry.name)")
      } else {
        let isResidual = entry.name.hasSuffix("c_proj.weight")
        let deviation = isResidual ? 0.02 / Double(2 * layers).squareRoot() : 0.02
        #expect(abs(square.squareRoot() / deviation - 1) < 0.06, "\(entry.name)")
      }
    }
  }

  @Test func onlyMatricesDecay() {
    let store = ParameterStore(of: GPT(.small(), vocabularyCount: 97))
    #expect(store.entries.allSatisfy { $0.decays == ($0.shape.rank == 2) })
    #expect(store.entries.count(where: \.decays) == 2 + 2 * 4)
  }

  @Test func everyParameterOfTheGPTTakesPartInTheLoss() {
    let bound = BoundModel(GPT(.small(), vocabularyCount: 97))
    let (tokens, targets) = Self.batch(sequences: 2, positions: 24, vocabulary: 97)
    bound.gradient.update(repeating: .nan)
    _ = bound.lossAndGradient(tokens, targets)
    for entry in bound.store.entries {
      #expect(bound.gradient[entry.range].contains { $0 != 0 }, "\(entry.name)")
      #expect(bound.gradient[entry.range].allSatisfy { $0.isFinite }, "\(entry.name)")
    }
  }

  @Test func threadsDoNotChangeABitOfLossAndGradients() {
    func run(threads: Int) -> [UInt32] {
      let bound = BoundModel(
        GPT(.small(width: 128, context: 100, dropout: 0.2), vocabularyCount: 1000),
        threads: threads)
      let (tokens, targets) = Self.batch(sequences: 6, positions: 100, vocabulary: 1000)
      bound.workspace.isTraining = true
      bound.workspace.seekRandom(seed: 5, step: 1, microbatch: 2)
      let loss = bound.lossAndGradient(tokens, targets)
      return [loss.bitPattern] + bound.gradient.map(\.bitPattern)
    }
    let alone = run(threads: 1)
    for threads in 2...4 {
      let differing = zip(alone, run(threads: threads)).count { $0 != $1 }
      #expect(differing == 0, "with \(threads) threads")
    }
  }

  @Test func recomputationChangesNoBitAndKeepsLess() {
    func run(recompute: Bool) -> (bits: [UInt32], bytes: Int) {
      let bound = BoundModel(
        GPT(.small(layers: 6, dropout: 0.2, recompute: recompute), vocabularyCount: 97), threads: 2)
      let (tokens, targets) = Self.batch(sequences: 3, positions: 24, vocabulary: 97)
      bound.workspace.isTraining = true
      bound.workspace.seekRandom(seed: 5, step: 1, microbatch: 2)
      let loss = bound.lossAndGradient(tokens, targets)
      #expect(bound.workspace.pool.lentCount == 0, "every buffer is back after a step")
      return (
        [loss.bitPattern] + bound.gradient.map(\.bitPattern), bound.workspace.pool.allocatedBytes
      )
    }
    let (plain, recomputed) = (run(recompute: false), run(recompute: true))
    #expect(zip(plain.bits, recomputed.bits).count { $0 != $1 } == 0)
    #expect(recomputed.bytes < plain.bytes / 2)
  }

  @Test func dropoutActsInTrainingOnlyAndByMicrobatch() {
    let bound = BoundModel(GPT(.small(dropout: 0.3), vocabularyCount: 97))
    let (tokens, targets) = Self.batch(sequences: 2, positions: 24, vocabulary: 97)
    func loss(training: Bool, microbatch: Int) -> Float {
      bound.workspace.isTraining = training
      bound.workspace.seekRandom(seed: 5, step: 0, microbatch: microbatch)
      return bound.lossAndGradient(tokens, targets)
    }
    #expect(loss(training: false, microbatch: 0) == loss(training: false, microbatch: 1))
    #expect(loss(training: true, microbatch: 0) == loss(training: true, microbatch: 0))
    #expect(loss(training: true, microbatch: 0) != loss(training: true, microbatch: 1))
  }

  @Test(arguments: [[1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1], [5, 1, 1, 1, 3], [4, 7], [11]])
  func statesComputedWithACacheEqualThoseOfTheWholeSequence(parts: [Int]) {
    let bound = BoundModel(GPT(.small(), vocabularyCount: 97), seed: 3)
    // Larger weights than at the start, so that attention prefers some positions to others.
    for index in bound.values.indices { bound.values[index] *= 4 }
    let (sequences, positions, width) = (2, 11, 32)
    let tokens = Self.batch(sequences: sequences, positions: positions, vocabulary: 97).tokens
    bound.workspace.withoutRecording {
      let whole = bound.model.states(of: tokens, cache: nil).elements
      let cache = bound.model.makeCache(sequences: sequences, in: bound.workspace)
      for part in parts {
        let start = cache.positions
        let some = (0..<sequences).flatMap { sequence in
          tokens.elements[sequence * positions + start..<sequence * positions + start + part]
        }
        let states = bound.model.states(
          of: Indices(some, shape: [sequences, part]), cache: cache
        ).elements
        #expect(cache.positions == start + part)
        for sequence in 0..<sequences {
          let same = whole[
            (sequence * positions + start) * width..<(sequence * positions + start + part) * width]
          let new = states[sequence * part * width..<(sequence + 1) * part * width]
          #expect(zip(same, new).allSatisfy { abs($0 - $1) < 1e-5 })
        }
      }
    }
  }

  @Test func memoryIsSteadyAfterTwoSteps() {
    let bound = BoundModel(GPT(.small(dropout: 0.1), vocabularyCount: 97), threads: 2)
    let (tokens, targets) = Self.batch(sequences: 3, positions: 24, vocabulary: 97)
    let pool = bound.workspace.pool
    bound.workspace.isTraining = true
    for _ in 0..<2 { _ = bound.lossAndGradient(tokens, targets) }
    let (count, bytes) = (pool.allocationCount, pool.allocatedBytes)
    #expect(pool.lentCount == 0, "a step keeps memory")
    for step in 0..<5 {
      bound.workspace.seekRandom(seed: 1, step: step, microbatch: 0)
      _ = bound.lossAndGradient(tokens, targets)
      #expect(pool.allocationCount == count && pool.allocatedBytes == bytes)
      #expect(pool.lentCount == 0)
    }
  }

  /// What is reported as final during the backward pass may be read at once: layer by layer from the end.
  @Test(arguments: [false, true])
  func gradientsThatAreReportedAsFinalStayAsTheyAre(recompute: Bool) {
    let bound = BoundModel(GPT(.small(layers: 4, recompute: recompute), vocabularyCount: 97))
    let (tokens, targets) = Self.batch(sequences: 3, positions: 24, vocabulary: 97)
    for _ in 0..<2 {
      bound.store.beginGradient(into: bound.gradientMemory)
      // A graph that is given up leaves nothing behind.
      _ = bound.model.loss(of: tokens, targets: targets)
      bound.store.beginGradient(into: bound.gradientMemory)
      let loss = bound.model.loss(of: tokens, targets: targets)
      var reports: [(first: Int, gradient: [Float])] = []
      bound.store.awaitGradient { reports.append(($0, Array(bound.gradient[$0...]))) }
      loss.backward()
      #expect(reports.count > 4, "each layer is reported before the next is computed")
      // All but the tied embeddings, which come first and are final last.
      #expect(reports.last?.first == 0)
      bound.store.finishGradient()
      for report in reports {
        #expect(Array(bound.gradient[report.first...]) == report.gradient)
      }
      #expect(zip(reports, reports.dropFirst()).allSatisfy { $0.first > $1.first })
    }
  }

  @Test func aWalkedGraphKeepsNoMemoryButItsLoss() {
    let bound = BoundModel(GPT(.small(), vocabularyCount: 97))
    let (tokens, targets) = Self.batch(sequences: 3, positions: 24, vocabulary: 97)
    bound.store.beginGradient(into: bound.gradientMemory)
    let loss = bound.model.loss(of: tokens, targets: targets)
    #expect(bound.workspace.pool.lentCount > 20)
    loss.backward()
    #expect(bound.workspace.pool.lentCount <= 2)
  }

  @Test func evaluationKeepsNoActivations() {
    let bound = BoundModel(GPT(.small(layers: 8), vocabularyCount: 97))
    let (tokens, targets) = Self.batch(sequences: 3, positions: 24, vocabulary: 97)
    bound.workspace.withoutRecording {
      _ = bound.model.loss(of: tokens, targets: targets)
    }
    // Of 8 layers, as much as of one: each buffer goes back before the next layer asks.
    #expect(bound.workspace.pool.allocationCount < 20)
  }

  @Test func sequencesLongerThanTheContextAreRefused() async {
    await #expect(processExitsWith: .failure) {
      let bound = BoundModel(GPT(.small(context: 8), vocabularyCount: 97))
      let tokens = Indices(Array(repeating: 1, count: 9), shape: [1, 9])
      _ = bound.model.logits(of: tokens)
    }
  }
}
