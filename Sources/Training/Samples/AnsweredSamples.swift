import LockstepDatasets
import LockstepModels
import LockstepReporting
import LockstepTensors

/// The first held-out conversations: what the model answers where the data have an answer.
struct AnsweredSamples: SampleMaker {
  let model: any LanguageModel
  let tokenizer: any Tokenizer
  /// Each of them ends an answer.
  let ends: Set<Int32>
  let conversations: ConversationFile
  let configuration: SamplesConfiguration
  /// Decides what is drawn.
  let seed: UInt64

  func samples(in workspace: Workspace) throws -> [SamplesRecord.Sample] {
    let options = SamplingOptions(temperature: configuration.temperature, seed: seed)
    let chosen = (0..<conversations.count).lazy.compactMap { exchange(in: $0) }
      .prefix(configuration.count)
    return try chosen.map { question, answer in
      let generator = TextGenerator(
        model: model, workspace: workspace, prompt: question,
        vocabularyCount: tokenizer.vocabularyCount, sampler: TokenSampler(options))
      var tokens: [Int32] = []
      for _ in 0..<configuration.maxTokens {
        let token = try generator.next()
        if ends.contains(token) || token == answer.last { break }
        tokens.append(token)
      }
      return .init(
        kind: .prompt, input: tokenizer.decode(question), text: tokenizer.decode(tokens),
        reference: tokenizer.decode(answer))
    }
  }

  /// The first question of a conversation and its answer; nil where the model's context is too short for it.
  private func exchange(in conversation: Int) -> (question: [Int32], answer: [Int32])? {
    let range = conversations.range(of: conversation)
    let tokens = conversations.tokens.tokens(range)
    let isLearned = conversations.learned(in: range)
    guard let begin = isLearned.firstIndex(of: true), begin > 0, begin < model.context else {
      return nil
    }
    let end = isLearned[begin...].firstIndex(of: false) ?? tokens.count
    return (Array(tokens[..<begin]), Array(tokens[begin..<end]))
  }
}
