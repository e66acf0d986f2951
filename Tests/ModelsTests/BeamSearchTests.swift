import Foundation
import LockstepModels
import LockstepTensors
import TestSupport
import Testing

@Suite struct BeamSearchTests {
  /// A small GPT whose logits are far apart.
  private func model(threads: Int = 1) -> BoundModel<GPT> {
    let bound = BoundModel(
      GPT(.small(context: 20), vocabularyCount: 29), seed: 5, threads: threads)
    for index in bound.values.indices where bound.values[index] != 1 { bound.values[index] *= 8 }
    return bound
  }

  /// log p of the next token, without a cache.
  private func next(_ bound: BoundModel<GPT>, after tokens: [Int32]) -> [Double] {
    bound.workspace.withoutRecording {
      let logits = bound.model.logits(of: Indices(tokens, shape: [1, tokens.count]))
      let last = logits.elements.suffix(logits.shape.last).map(Double.init)
      let normalizer = log(last.reduce(0) { $0 + exp($1) })
      return last.map { $0 - normalizer }
    }
  }

  private func prompts(_ count: Int) -> [[Int32]] {
    var generator = SeededGenerator(seed: 11)
    return (0..<count).map { index in
      (0...index % 4).map { _ in Int32.random(in: 0..<29, using: &generator) }
    }
  }

  @Test(arguments: [0, 0.6, 1, 2])
  func cachedSearchEqualsSearchWithoutACache(lengthPenalty: Double) throws {
    let bound = model()
    var endedCount = 0
    for (index, prompt) in prompts(12).enumerated() {
      let (beams, limit) = (1 + index % 5, 1 + index)
      // Tokens that the greedy continuation has, so that texts do end: none, one, two.
      let greedy = try TokenByToken(TokenSampler(SamplingOptions(temperature: 0))).run(
        PromptContinuation(of: prompt, by: bound.model, in: bound.workspace), ends: [],
        maxTokens: 15, in: bound.workspace)[0].tokens
      let ends = Set((0..<index % 3).map { greedy[(index + 4 * $0) % greedy.count] })
      let search = BeamSearch(beams: beams, lengthPenalty: lengthPenalty)
      let found = try search.run(
        PromptContinuation(of: prompt, by: bound.model, in: bound.workspace), ends: ends,
        maxTokens: limit, in: bound.workspace)
      let naive = NaiveBeamSearch(
        next: { next(bound, after: prompt + $0) }, ends: ends, maxTokens: limit)
      let expected = naive.run(beams: beams) { $0 / pow(Double($1), lengthPenalty) }
      #expect(found.map(\.tokens) == [expected.tokens], "prompt \(index)")
      #expect(abs(found[0].logProbability - expected.logProbability) < 1e-3)
      if found[0].hasEnded { endedCount += 1 }
    }
    #expect(endedCount > 0)
  }

  @Test func oneBeamEqualsTheGreedyChoice() throws {
    let bound = model()
    let greedy = TokenByToken(TokenSampler(SamplingOptions(temperature: 0)))
    for (index, prompt) in prompts(20).enumerated() {
      func continuation() -> PromptContinuation {
        PromptContinuation(of: prompt, by: bound.model, in: bound.workspace)
      }
      let ends: Set = [Int32(index), Int32(index) + 5]
      let chosen = try greedy.run(
        continuation(), ends: ends, maxTokens: 15, in: bound.workspace)
      let found = try BeamSearch(beams: 1).run(
        continuation(), ends: ends, maxTokens: 15, in: bound.workspace)
      #expect(found.map(\.tokens) == chosen.map(\.tokens))
      #expect(found.map(\.hasEnded) == chosen.map(\.hasEnded))
      #expect(abs(found[0].logProbability - chosen[0].logProbability) < 1e-4)
    }
  }

  @Test(arguments: [0, 1, 1.5])
  func enoughBeamsFindTheBestOfAllContinuations(lengthPenalty: Double) throws {
    let (vocabulary, limit) = (3, 4)
    let bound = model()
    let end: Int32 = 2
    func logProbabilities(_ tokens: [Int32]) -> [Double] {
      let all = next(bound, after: tokens).prefix(vocabulary)
      let normalizer = log(all.reduce(0) { $0 + exp($1) })
      return all.map { $0 - normalizer }
    }
    for prompt in prompts(8) {
      var best = (tokens: [Int32](), score: -Double.infinity)
      func visit(_ tokens: [Int32], _ logProbability: Double) {
        for (token, more) in logProbabilities(prompt + tokens).enumerated() {
          let length = tokens.count + 1
          let score = (logProbability + more) / pow(Double(length), lengthPenalty)
          let ends = token == Int(end)
          let longer = ends ? tokens : tokens + [Int32(token)]
          if ends || length == limit {
            if score > best.score { best = (longer, score) }
          } else {
            visit(longer, logProbability + more)
          }
        }
      }
      visit([], 0)
      let found = try BeamSearch(beams: 81, lengthPenalty: lengthPenalty).run(
        PromptContinuation(of: prompt, by: bound.model, in: bound.workspace), ends: [end],
        maxTokens: limit, vocabularyCount: vocabulary, in: bound.workspace)
      #expect(found[0].tokens == best.tokens)
      #expect(abs(found[0].score(lengthPenalty: lengthPenalty) - best.score) < 1e-4)
    }
  }

  @Test func aTextEndsWhereTheContextDoes() throws {
    let bound = model()
    for length in [1, 5, 19, 20, 33] {
      let prompt = (0..<Int32(length)).map { $0 % 29 }
      let found = try BeamSearch(beams: 3).run(
        PromptContinuation(of: prompt, by: bound.model, in: bound.workspace), ends: [],
        maxTokens: 100, in: bound.workspace)
      // A prompt without room behind it is cut to half of the context.
      #expect(found[0].tokens.count == 20 - (length < 20 ? length : 10) + 1)
      #expect(!found[0].hasEnded)
    }
  }

  /// What scripts/fixtures/generation.py wrote.
  private struct Case: Decodable {
    let prompt: [Int32]
    let beams: Int
    let lengthPenalty: Double
    let end: Int32?
    let maxTokens: Int
    let tokens: [Int32]
    let score: Double
  }

  @Test func resultsAreThoseOfTransformers() throws {
    let folder = try #require(Bundle.module.resourceURL?.appending(path: "Fixtures/gpt2"))
    let cases = try JSONDecoder().decode(
      [Case].self, from: Data(contentsOf: folder.appending(path: "generation.json")))
    let bound = try GoldenFixture().boundModel()
    for known in cases {
      let search = BeamSearch(beams: known.beams, lengthPenalty: known.lengthPenalty)
      let found = try search.run(
        PromptContinuation(of: known.prompt, by: bound.model, in: bound.workspace),
        ends: Set([known.end].compactMap(\.self)), maxTokens: known.maxTokens, in: bound.workspace)[
          0]
      let ended = found.tokens + (found.hasEnded ? [known.end].compactMap { $0 } : [])
      #expect(ended == known.tokens)
      let score = found.score(lengthPenalty: known.lengthPenalty)
      #expect(abs(score - known.score) < 1e-4 * abs(known.score))
    }
    #expect(cases.count { $0.end.map($0.tokens.contains) ?? false } > 20)
  }
}
