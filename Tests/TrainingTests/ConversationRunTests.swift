import Foundation
import LockstepChatTemplates
import LockstepCommunication
import LockstepDatasets
import LockstepTensors
import LockstepTraining
import TestSupport
import Testing

/// Runs that learn to answer.
@Suite struct ConversationRunTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private static let families = URL(fileURLWithPath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent()
    .appending(path: "DatasetsTests/Fixtures/Families")

  /// Qwen's tokenizer normalises text, so that its tokens' bytes are not the text's.
  @Test(arguments: [("qwen2", false), ("smollm", true)])
  func bitsPerByteAreMeasuredWhereTokensAreTheTextsBytes(
    family: String, isMeasured: Bool
  ) throws {
    let file = Self.families.appending(path: family + ".json").path
    let lines = (0..<20).map { #"{"prompt": "a \#($0)", "completion": "b \#($0)"}"# + "\n" }
    let input = try folder.write(Array(lines.joined().utf8), to: "chat.jsonl")
    let template = try #require(try ChatTemplate.builtIn("plain"))
    let data = folder.path + "/data"
    _ = try ConversationPreparation(
      inputs: [input], output: data, tokenizer: TokenizerFile.load(file), at: file,
      template: template,
      variables: ChatTemplate.Context(specialTokens: ["eos_token": Vocabulary.endOfTextName]),
      validationFraction: 0.5
    ).run()
    let configuration = try RunConfiguration.parse(
      yaml: """
        data:
          format: conversations
          train: \(data)/train.bin
          validation: \(data)/validation.bin
          tokenizer: \(data)/tokenizer.json
        model: {architecture: gpt, layers: 1, heads: 1, width: 8, context: 64}
        batch: {sequences: 1, microbatches: 1}
        schedule: {name: constant, warmup_steps: 0}
        steps: 1
        """, source: "test")
    let directory = folder.path + "/run"
    let run = try TrainingRun(
      configuration: configuration, communicator: SoloCommunicator(), mode: "",
      directory: RunDirectory(path: directory), resume: false, threads: 1)
    _ = try run.run(until: StopRequest())
    let evaluation = try ModelEvaluation(
      source: directory, options: EvaluationOptions(), workspace: Workspace()
    ).run(SoloCommunicator())
    for metrics in [run.trainer.lastEvaluation?.metrics ?? [], evaluation.metrics] {
      let keys = metrics.map(\.key)
      #expect(keys.contains("perplexity"))
      #expect(keys.contains("bits_per_byte") == isMeasured, "\(keys)")
    }
  }
}
