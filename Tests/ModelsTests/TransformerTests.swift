import LockstepModels
import LockstepNeuralNetworks
import LockstepTensors
import TestSupport
import Testing

@Suite struct TransformerTests {
  private static let vocabulary = 40

  /// Three sources of unlike lengths, and targets.
  private static func batch(
    sourcePositions: Int = 11, targetPositions: Int = 7
  ) -> (source: Indices, lengths: [Int], inputs: Indices, targets: Indices) {
    var generator = SeededGenerator(seed: 3)
    func tokens(_ positions: Int) -> Indices {
      Indices(
        generator.integers(3 * positions, in: 0..<Int32(vocabulary)), shape: [3, positions])
    }
    return (
      tokens(sourcePositions), [sourcePositions, 4, 1], tokens(targetPositions),
      tokens(targetPositions)
    )
  }

  private static func bound(
    norm: NormPlacement = .pre, tied: Bool = true, dropout: Double = 0,
    layers: Int = 2, recompute: Bool = false, threads: Int = 1
  ) -> BoundModel<Transformer> {
    var configuration = TransformerConfiguration.small(dropout: dropout)
    (configuration.encoderLayers, configuration.decoderLayers) = (layers, layers)
    configuration.recompute = recompute
    (configuration.norm, configuration.tied) = (norm, tied)
    configuration.positions = tied ? .sinusoidal : .learned
    return BoundModel(
      Transformer(configuration, vocabularyCount: vocabulary), threads: threads)
  }

  @Test(arguments: [true, false])
  func everyParameterTakesPartInTheLoss(tied: Bool) {
    let bound = Self.bound(norm: tied ? .pre : .post, tied: tied)
    let batch = Self.batch()
    bound.gradient.update(repeating: .nan)
    _ = bound.withGradient {
      bound.model.loss(
        source: batch.source, lengths: batch.lengths, inputs: batch.inputs,
        targets: batch.targets)
    }
    for entry in bound.store.entries {
      #expect(bound.gradient[entry.range].contains { $0 != 0 }, "\(entry.name)")
      #expect(bound.gradient[entry.range].allSatisfy { $0.isFinite }, "\(entry.name)")
    }
  }

  @Test func aTiedModelHasOneTable() {
    func tables(_ tied: Bool) -> Int {
      Self.bound(tied: tied).store.entries.count { $0.shape == [Self.vocabulary, 12] }
    }
    #expect(tables(true) == 1)
    #expect(tables(false) == 3)
  }

  @Test func paddingChangesNoBitOfTheLoss() {
    let bound = Self.bound()
    let batch = Self.batch()
    func loss(padding: Int) -> UInt32 {
      let width = 11 + padding
      var source = [Int32](repeating: Int32(padding), count: 3 * width)
      for row in 0..<3 {
        for place in 0..<11 {
          source[row * width + place] = batch.source.elements[row * 11 + place]
        }
      }
      return bound.workspace.withoutRecording {
        bound.model.loss(
          source: Indices(source, shape: [3, width]), lengths: batch.lengths,
          inputs: batch.inputs, targets: batch.targets
        ).item.bitPattern
      }
    }
    let alone = loss(padding: 0)
    #expect(loss(padding: 5) == alone)
    #expect(loss(padding: 13) == alone)
  }

  /// The bits of a training step's loss and gradient, dropout included.
  private static func trainingBits(
    of bound: BoundModel<Transformer>,
    _ batch: (source: Indices, lengths: [Int], inputs: Indices, targets: Indices)
  ) -> [UInt32] {
    bound.workspace.isTraining = true
    bound.workspace.seekRandom(seed: 3, step: 1, microbatch: 2)
    let loss = bound.withGradient {
      bound.model.loss(
        source: batch.source, lengths: batch.lengths, inputs: batch.inputs,
        targets: batch.targets, labelSmoothing: 0.1)
    }
    return [loss.bitPattern] + bound.gradient.map(\.bitPattern)
  }

  @Test func threadsDoNotChangeABitOfLossAndGradients() {
    let batch = Self.batch(sourcePositions: 21, targetPositions: 19)
    func run(threads: Int) -> [UInt32] {
      Self.trainingBits(of: Self.bound(dropout: 0.2, threads: threads), batch)
    }
    let alone = run(threads: 1)
    for threads in [2, 5] { #expect(run(threads: threads) == alone) }
  }

  @Test(arguments: [NormPlacement.pre, .post])
  func recomputationChangesNoBitAndKeepsLess(norm: NormPlacement) {
    let batch = Self.batch(sourcePositions: 21, targetPositions: 19)
    func run(recompute: Bool) -> (bits: [UInt32], bytes: Int) {
      let bound = Self.bound(norm: norm, dropout: 0.2, layers: 6, recompute: recompute)
      return (Self.trainingBits(of: bound, batch), bound.workspace.pool.allocatedBytes)
    }
    let (plain, recomputed) = (run(recompute: false), run(recompute: true))
    #expect(zip(plain.bits, recomputed.bits).count { $0 != $1 } == 0)
    #expect(recomputed.bytes < plain.bytes * 3 / 4)
  }

  /// Token by token from a cache, with two beams a source, as from whole targets.
  @Test(arguments: [NormPlacement.pre, .post])
  func aCacheGivesTheSameStates(norm: NormPlacement) {
    let bound = Self.bound(norm: norm)
    let batch = Self.batch()
    bound.workspace.withoutRecording {
      let encoded = bound.model.encode(source: batch.source, lengths: batch.lengths)
      let whole = bound.model.logits(of: batch.inputs, given: encoded).elements
      let cache = bound.model.makeCache(for: encoded, beams: 2, capacity: 7)
      for range in [0..<3, 3..<4, 4..<7] {
        // Both beams read the same.
        let tokens = (0..<6).flatMap { row in
          range.map { batch.inputs.elements[row / 2 * 7 + $0] }
        }
        let logits = bound.model.logits(
          of: Indices(tokens, shape: [6, range.count]), cache: cache
        ).elements
        for row in 0..<6 {
          for (index, position) in range.enumerated() {
            for token in 0..<Self.vocabulary {
              let a = logits[(row * range.count + index) * Self.vocabulary + token]
              let b = whole[(row / 2 * 7 + position) * Self.vocabulary + token]
              #expect(abs(a - b) < 1e-5)
            }
          }
        }
      }
      #expect(cache.positions == 7)
    }
  }

  @Test func beamsCanBeReorderedAndSourcesLeftOut() {
    let bound = Self.bound()
    let batch = Self.batch()
    bound.workspace.withoutRecording {
      let encoded = bound.model.encode(source: batch.source, lengths: batch.lengths)
      let cache = bound.model.makeCache(for: encoded, beams: 2, capacity: 7)
      // Row r begins with token r.
      _ = bound.model.states(of: Indices([0, 1, 2, 3, 4, 5], shape: [6, 1]), cache: cache)
      // The middle source is finished; of the last one its first beam lives on twice.
      cache.select([1, 0, 4, 4])
      #expect(cache.rows == 4 && cache.lengths == [batch.lengths[0], batch.lengths[2]])
      let next = bound.model.logits(of: Indices([7, 8, 9, 10], shape: [4, 1]), cache: cache)
      let histories: [(source: Int, tokens: [Int32])] = [
        (0, [1, 7]), (0, [0, 8]), (2, [4, 9]), (2, [4, 10]),
      ]
      for (row, history) in histories.enumerated() {
        let alone = bound.model.logits(
          of: Indices((0..<3).flatMap { _ in history.tokens }, shape: [3, 2]), given: encoded)
        for token in 0..<Self.vocabulary {
          let a = next.elements[row * Self.vocabulary + token]
          let b = alone.elements[(history.source * 2 + 1) * Self.vocabulary + token]
          #expect(abs(a - b) < 1e-5)
        }
      }
    }
  }
}
