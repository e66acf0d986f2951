import LockstepModels
import LockstepTensors
import TestSupport
import Testing

/// Texts of different lengths that a language model continues together.
@Suite struct PromptContinuationTests {
  static let models = ["gpt", "llama"]

  /// A small model whose logits are far apart, with what continues texts by it.
  private func continuing(
    _ name: String, threads: Int = 1
  ) -> (workspace: Workspace, continuation: ([[Int32]], Int?) -> PromptContinuation) {
    func prepared(_ bound: BoundModel<some LanguageModel>) -> (
      Workspace, ([[Int32]], Int?) -> PromptContinuation
    ) {
      for index in bound.values.indices where bound.values[index] != 1 { bound.values[index] *= 8 }
      return (
        bound.workspace,
        { PromptContinuation(of: $0, by: bound.model, maxTokens: $1, in: bound.workspace) }
      )
    }
    return name == "gpt"
      ? prepared(
        BoundModel(GPT(.small(context: 70), vocabularyCount: 29), seed: 5, threads: threads))
      : prepared(
        BoundModel(
          Llama(TextModelTests.llama(context: 70), vocabularyCount: 29), seed: 5, threads: threads))
  }

  /// Some of one token, some longer than a block of attention, two of the same length.
  private let prompts: [[Int32]] = {
    var generator = SeededGenerator(seed: 3)
    return [1, 40, 5, 33, 1, 66, 17, 5, 69].map { count in
      (0..<count).map { _ in Int32.random(in: 0..<29, using: &generator) }
    }
  }()

  @Test(arguments: models, [0, 1.0])
  func textsOfAnyLengthsContinueTogetherAsEachDoesAlone(name: String, temperature: Double) throws {
    let decoding = TokenByToken(
      TokenSampler(SamplingOptions(temperature: temperature, topK: 5, seed: 4)))
    for (threads, maxTokens) in [(1, 100), (3, 12)] {
      let (workspace, continuation) = continuing(name, threads: threads)
      func run(_ texts: [Int]) throws -> [Hypothesis] {
        try decoding.run(
          continuation(texts.map { prompts[$0] }, maxTokens), texts: texts, ends: [3, 8],
          maxTokens: maxTokens, in: workspace)
      }
      let alone = try prompts.indices.map { try run([$0])[0] }
      for texts in [Array(prompts.indices), prompts.indices.reversed(), [7, 1, 3]] {
        let together = try run(texts)
        #expect(together.map(\.tokens) == texts.map { alone[$0].tokens })
        #expect(together.map(\.logProbability) == texts.map { alone[$0].logProbability })
      }
      #expect(alone.contains { $0.hasEnded } && alone.contains { !$0.hasEnded })
      // Each fills the context by itself: what is beside it does not end it.
      for (prompt, found) in zip(prompts, alone) where !found.hasEnded {
        #expect(found.tokens.count == min(maxTokens, 71 - prompt.count))
      }
    }
  }

  @Test(arguments: models)
  func beamsOfTextsOfAnyLengthsAreThoseOfEachAlone(name: String) throws {
    let (workspace, continuation) = continuing(name)
    let search = BeamSearch(beams: 3)
    func run(_ texts: [[Int32]], ends: Set<Int32>) throws -> [Hypothesis] {
      try search.run(continuation(texts, 8), ends: ends, maxTokens: 8, in: workspace)
    }
    // With a token that one of them has.
    for ends in [[], [try run(prompts, ends: [])[1].tokens[4]]] as [Set<Int32>] {
      let together = try run(prompts, ends: ends)
      #expect(together.map(\.tokens) == (try prompts.map { try run([$0], ends: ends)[0].tokens }))
    }
  }

  /// One text after the other: all lengths share the memory of the longest.
  @Test(arguments: models) func memoryDoesNotGrowWithEachNewLength(name: String) throws {
    let (workspace, continuation) = continuing(name)
    let decoding = TokenByToken(TokenSampler(SamplingOptions(temperature: 0)))
    let bytes = try prompts.sorted { $0.count > $1.count }.map { prompt in
      _ = try decoding.run(
        continuation([prompt], 1), texts: [0], ends: [], maxTokens: 1, in: workspace)
      return workspace.pool.allocatedBytes
    }
    #expect(bytes.allSatisfy { $0 < bytes[0] * 11 / 10 }, "\(bytes)")
  }
}
