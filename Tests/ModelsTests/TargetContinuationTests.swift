import Foundation
import LockstepModels
import LockstepTensors
import TestSupport
import Testing

@Suite struct TargetContinuationTests {
  /// A small encoder-decoder whose logits are far apart.
  private static func model(threads: Int = 1) -> BoundModel<Transformer> {
    var configuration = TransformerConfiguration()
    (configuration.encoderLayers, configuration.decoderLayers) = (1, 2)
    (configuration.heads, configuration.width, configuration.context) = (2, 16, 14)
    configuration.dropout = 0
    let bound = BoundModel(
      Transformer(configuration, vocabularyCount: 23), seed: 3, threads: threads)
    for index in bound.values.indices where bound.values[index] != 1 { bound.values[index] *= 2 }
    return bound
  }

  private static let begin: Int32 = 4

  /// The token that most greedy targets have, so that they do end.
  private static let end: Int32 = {
    let bound = model()
    let found =
      (try? run(.sampling(SamplingOptions(temperature: 0)), sources, bound, end: nil)) ?? []
    return (0..<23).max { a, b in
      func count(_ token: Int32) -> Int { found.count { $0.tokens.dropFirst().contains(token) } }
      return count(a) < count(b)
    } ?? 0
  }()

  /// Sources of 1 to 9 tokens.
  private static var sources: [[Int32]] {
    var generator = SeededGenerator(seed: 8)
    return [5, 1, 9, 5, 3, 7].map { length in
      (0..<length).map { _ in Int32.random(in: 0..<23, using: &generator) }
    }
  }

  private static func run(
    _ method: DecodingMethod, _ sources: [[Int32]], texts: [Int]? = nil,
    _ bound: BoundModel<Transformer>, limit: Int = 13, end: Int32?
  ) throws -> [Hypothesis] {
    try bound.workspace.withoutRecording {
      try method.run(
        TargetContinuation(of: sources, begin: begin, by: bound.model, limit: limit), texts: texts,
        end: end, maxTokens: 100, in: bound.workspace)
    }
  }

  private let sources = Self.sources
  private let end = Self.end

  private func model(threads: Int = 1) -> BoundModel<Transformer> { Self.model(threads: threads) }

  private func run(
    _ method: DecodingMethod, _ sources: [[Int32]], texts: [Int]? = nil,
    _ bound: BoundModel<Transformer>, limit: Int = 13
  ) throws -> [Hypothesis] {
    try Self.run(method, sources, texts: texts, bound, limit: limit, end: end)
  }

  @Test(arguments: [1, 2, 5]) func cachedSearchEqualsSearchWithoutACache(beams: Int) throws {
    let bound = model()
    let found = try run(.beamSearch(BeamSearch(beams: beams)), sources, bound)
    for (source, found) in zip(sources, found) {
      let naive = NaiveBeamSearch(
        next: { tokens in
          bound.workspace.withoutRecording {
            let encoded = bound.model.encode(
              source: Indices(source, shape: [1, source.count]), lengths: [source.count])
            let inputs = [Self.begin] + tokens
            let logits = bound.model.logits(
              of: Indices(inputs, shape: [1, inputs.count]), given: encoded)
            let last = logits.elements.suffix(logits.shape.last).map(Double.init)
            let normalizer = log(last.reduce(0) { $0 + exp($1) })
            return last.map { $0 - normalizer }
          }
        }, ends: [end], maxTokens: 13)
      let expected = naive.run(beams: beams) { $0 / Double($1) }
      #expect(found.tokens == expected.tokens)
      #expect(abs(found.logProbability - expected.logProbability) < 1e-3)
    }
    #expect(found.contains { $0.hasEnded } && Set(found.map(\.tokens)).count > 3)
  }

  private static let methods: [DecodingMethod] = [
    .beamSearch(BeamSearch(beams: 1)), .beamSearch(BeamSearch(beams: 4, lengthPenalty: 0.6)),
    .sampling(SamplingOptions(temperature: 0)),
    .sampling(SamplingOptions(temperature: 2, topK: 9, topP: 0.95, seed: 3)),
  ]

  @Test(arguments: methods.indices)
  func aTextDoesNotDependOnThoseBesideItNorOnThreads(method: Int) throws {
    let method = Self.methods[method]
    let together = try run(method, sources, model())
    #expect(try run(method, sources, model(threads: 3)) == together)
    let bound = model()
    for (index, source) in sources.enumerated() {
      #expect(try run(method, [source], texts: [index], bound) == [together[index]])
    }
    let order = [3, 5, 0, 2]
    #expect(
      try run(method, order.map { sources[$0] }, texts: order, bound) == order.map { together[$0] })
  }

  @Test func oneBeamEqualsTheGreedyChoice() throws {
    let bound = model()
    let greedy = try run(.sampling(SamplingOptions(temperature: 0)), sources, bound)
    let found = try run(.beamSearch(BeamSearch(beams: 1)), sources, bound)
    #expect(found.map(\.tokens) == greedy.map(\.tokens))
    #expect(found.map(\.hasEnded) == greedy.map(\.hasEnded))
  }

  @Test func textsHaveNoMoreTokensThanTheyMay() throws {
    let bound = model()
    for limit in [1, 2, 5] {
      let found = try run(.beamSearch(BeamSearch(beams: 3)), sources, bound, limit: limit)
      #expect(found.allSatisfy { $0.length <= limit })
      #expect(found.contains { $0.length == limit && !$0.hasEnded })
    }
  }

  @Test func drawnTextsFollowTheModelsProbabilities() throws {
    let bound = model()
    let source = sources[0]
    let draws = 4000
    let options = SamplingOptions(temperature: 1, seed: 12)
    let found = try run(
      .sampling(options), [[Int32]](repeating: source, count: draws), bound, limit: 1)
    let logits = bound.workspace.withoutRecording {
      TargetContinuation(of: [source], begin: Self.begin, by: bound.model, limit: 1)
        .begin(rowsPerText: 1).elements
    }
    let weights = logits.map { exp(Double($0)) }
    let total = weights.reduce(0, +)
    for (token, weight) in weights.enumerated() {
      let p = weight / total
      let count = found.count { ($0.tokens.first ?? end) == Int32(token) }
      let deviation = (Double(draws) * p * (1 - p)).squareRoot()
      #expect(abs(Double(count) - Double(draws) * p) < 5 * deviation + 2, "token \(token)")
    }
  }
}
