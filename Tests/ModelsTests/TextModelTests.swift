import LockstepModels
import LockstepNeuralNetworks
import LockstepTensors
import TestSupport
import Testing

/// What holds for Llama and BERT as for any model: threads, recomputation, memory, caches, products.
@Suite struct TextModelTests {
  static func llama(
    width: Int = 32, context: Int = 24, layers: Int = 2, dropout: Double = 0,
    recompute: Bool = false, ties: Bool = true
  ) -> LlamaConfiguration {
    var configuration = LlamaConfiguration()
    configuration.layers = layers
    configuration.keyValueHeads = 2
    configuration.width = width
    configuration.context = context
    configuration.dropout = dropout
    configuration.recompute = recompute
    configuration.tieEmbeddings = ties
    return configuration
  }

  static func bert(
    width: Int = 32, context: Int = 24, layers: Int = 2, dropout: Double = 0,
    recompute: Bool = false
  ) -> BERTConfiguration {
    var configuration = BERTConfiguration()
    configuration.layers = layers
    configuration.width = width
    configuration.context = context
    configuration.dropout = dropout
    configuration.recompute = recompute
    return configuration
  }

  /// A model, and the loss of a batch of it.
  struct Subject {
    let bound: BoundModel<AnyModule>
    let loss: () -> Tensor

    /// One training step's loss and gradient.
    func step() -> [UInt32] {
      bound.workspace.isTraining = true
      bound.workspace.seekRandom(seed: 5, step: 1, microbatch: 2)
      let loss = bound.withGradient(loss)
      return [loss.bitPattern] + bound.gradient.map(\.bitPattern)
    }
  }

  struct AnyModule: Module {
    let model: any Module
  }

  static func subject(
    _ name: String, width: Int, positions: Int, layers: Int = 2, dropout: Double = 0.2,
    recompute: Bool = false, vocabulary: Int = 300, threads: Int = 1
  ) -> Subject {
    let (tokens, targets) = GPTTests.batch(
      sequences: 6, positions: positions, vocabulary: vocabulary)
    if name == "llama" {
      let model = Llama(
        llama(
          width: width, context: positions, layers: layers, dropout: dropout, recompute: recompute,
          ties: false), vocabularyCount: vocabulary)
      let bound = BoundModel(AnyModule(model: model), threads: threads)
      return Subject(bound: bound) { model.loss(of: tokens, targets: targets) }
    }
    let model = BERT(
      bert(
        width: width, context: positions, layers: layers, dropout: dropout, recompute: recompute),
      vocabularyCount: vocabulary)
    let bound = BoundModel(AnyModule(model: model), threads: threads)
    let hidden = Indices(
      targets.elements.enumerated().map { $0 % 5 == 3 ? $1 : -1 }, shape: targets.shape)
    let predicted = PredictedPositions(hidden)
    return Subject(bound: bound) {
      model.loss(ofHeadStates: model.headStates(of: tokens, at: predicted), at: predicted)
    }
  }

  @Test(arguments: ["llama", "bert"])
  func threadsDoNotChangeABitOfLossAndGradients(name: String) {
    let alone = Self.subject(name, width: 128, positions: 100).step()
    for threads in 2...4 {
      let others = Self.subject(name, width: 128, positions: 100, threads: threads).step()
      #expect(zip(alone, others).count { $0 != $1 } == 0, "with \(threads) threads")
    }
  }

  @Test(arguments: ["llama", "bert"])
  func recomputationChangesNoBitAndKeepsLess(name: String) {
    let plain = Self.subject(name, width: 32, positions: 24, layers: 6)
    let recomputed = Self.subject(name, width: 32, positions: 24, layers: 6, recompute: true)
    #expect(zip(plain.step(), recomputed.step()).count { $0 != $1 } == 0)
    let bytes = [plain, recomputed].map(\.bound.workspace.pool.allocatedBytes)
    #expect(bytes[1] < bytes[0] * 2 / 3)
  }

  @Test(arguments: ["llama", "bert"])
  func everyParameterTakesPartAndMemoryIsSteady(name: String) {
    let subject = Self.subject(name, width: 32, positions: 24, threads: 2)
    subject.bound.gradient.update(repeating: .nan)
    _ = subject.step()
    for entry in subject.bound.store.entries {
      let gradient = subject.bound.gradient[entry.range]
      #expect(gradient.allSatisfy(\.isFinite) && gradient.contains { $0 != 0 }, "\(entry.name)")
    }
    _ = subject.step()
    let pool = subject.bound.workspace.pool
    let count = pool.allocationCount
    for _ in 0..<3 { _ = subject.step() }
    // The cosines and sines of rotary positions stay.
    #expect(pool.allocationCount == count && pool.lentCount == (name == "llama" ? 2 : 0))
  }

  @Test(arguments: ["llama", "bert"])
  func onlyMatricesDecay(name: String) {
    let store = Self.subject(name, width: 32, positions: 24).bound.store
    #expect(store.entries.allSatisfy { $0.decays == ($0.shape.rank == 2) })
  }

  @Test(arguments: [[1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1], [5, 1, 1, 1, 3], [4, 7], [11]])
  func statesComputedWithACacheEqualThoseOfTheWholeSequence(parts: [Int]) {
    let bound = BoundModel(Llama(Self.llama(), vocabularyCount: 97), seed: 3)
    // Larger weights than at the start, so that attention prefers some positions to others.
    for index in bound.values.indices { bound.values[index] *= 4 }
    let tokens = GPTTests.batch(sequences: 1, positions: 11, vocabulary: 97).tokens
    bound.workspace.withoutRecording {
      let whole = bound.model.states(of: tokens, cache: nil).elements
      let cache = bound.model.makeCache(sequences: 1, in: bound.workspace)
      for part in parts {
        let start = cache.positions
        let some = Array(tokens.elements[start..<start + part])
        let states = bound.model.states(of: Indices(some, shape: [1, part]), cache: cache).elements
        #expect(cache.positions == start + part)
        let same = whole[start * 32..<(start + part) * 32]
        #expect(zip(same, states).allSatisfy { abs($0 - $1) < 1e-4 })
      }
    }
  }

  /// What GPT's tests of packed documents say in more detail.
  @Test func aLlamaKeepsPackedDocumentsApart() {
    let bound = BoundModel(Llama(Self.llama(context: 80), vocabularyCount: 50))
    for index in bound.values.indices { bound.values[index] *= 4 }
    let (tokens, targets) = GPTTests.batch(sequences: 2, positions: 80, vocabulary: 50)
    let documents = PackedDocuments(
      starts: PackedDocumentsTests.starts(PackedDocumentsTests.lengths))
    let packed = Double(
      bound.withGradient {
        bound.model.loss(of: tokens, targets: targets, documents: documents)
      })
    let gradient = bound.gradient.map(Double.init)
    var (loss, sum) = (0.0, [Double](repeating: 0, count: gradient.count))
    var start = 0
    for length in PackedDocumentsTests.lengths.joined() {
      let part = start..<start + length
      func rows(_ indices: Indices) -> Indices {
        Indices(Array(indices.elements[part]), shape: [1, length])
      }
      loss += Double(
        bound.withGradient { bound.model.loss(of: rows(tokens), targets: rows(targets)) })
      for (index, value) in bound.gradient.enumerated() { sum[index] += Double(value) }
      start += length
    }
    #expect(abs(packed / loss - 1) < 1e-6)
    let largest = sum.reduce(0) { max($0, abs($1)) }
    #expect(zip(gradient, sum).allSatisfy { abs($0 - $1) < 1e-4 * largest })
  }

  @Test func bertSeesBothWaysAndLlamaOnlyBack() {
    let tokens = GPTTests.batch(sequences: 1, positions: 9, vocabulary: 97).tokens
    var changed = tokens.elements
    changed[8] = (changed[8] + 1) % 97
    let other = Indices(changed, shape: tokens.shape)
    let llama = BoundModel(Llama(Self.llama(), vocabularyCount: 97))
    let bert = BoundModel(BERT(Self.bert(), vocabularyCount: 97))
    func first(_ states: Tensor) -> [Float] { Array(states.elements[..<32]) }
    #expect(
      first(llama.model.states(of: tokens, cache: nil))
        == first(llama.model.states(of: other, cache: nil)))
    #expect(first(bert.model.states(of: tokens)) != first(bert.model.states(of: other)))
  }

  /// Counted by hand, product by product, attention pair by pair.
  @Test func productsAreCountedAsByHand() {
    let (sequences, positions, vocabulary, width) = (2, 5, 29, 32)
    let rows = sequences * positions
    let (tokens, targets) = GPTTests.batch(
      sequences: sequences, positions: positions, vocabulary: vocabulary)
    let llama = BoundModel(Llama(Self.llama(), vocabularyCount: vocabulary))
    let hidden = llama.model.configuration.feedForwardWidth
    #expect(hidden == 128)
    var expected = 0
    for _ in 0..<2 {
      expected += rows * (2 * width * width + 2 * width * 16 + 3 * width * hidden)
      expected += sequences * (1...positions).reduce(0) { $0 + 2 * $1 * width }
    }
    #expect(
      llama.products { llama.model.loss(of: tokens, targets: targets) }.multiplyAdds
        == expected + rows * width * vocabulary)
    let bert = BoundModel(BERT(Self.bert(), vocabularyCount: vocabulary))
    let predicted = PredictedPositions(
      Indices(
        targets.elements.enumerated().map { $0 < 3 ? $1 : -1 }, shape: targets.shape))
    expected = 2 * rows * 12 * width * width + 2 * sequences * positions * positions * 2 * width
    #expect(
      bert.products {
        bert.model.loss(
          ofHeadStates: bert.model.headStates(of: tokens, at: predicted), at: predicted)
      }.multiplyAdds
        == expected + 3 * width * (width + vocabulary))
  }

  @Test func sequencesLongerThanTheContextAreRefused() async {
    await #expect(processExitsWith: .failure) {
      let bound = BoundModel(Llama(TextModelTests.llama(context: 8), vocabularyCount: 97))
      _ = bound.model.logits(of: Indices(Array(repeating: 1, count: 9), shape: [1, 9]))
    }
  }
}
