import Foundation
import LockstepCommunication
import LockstepDatasets
import LockstepModels
import LockstepOptimization
import LockstepReporting
import LockstepSettings
import LockstepTensors
import LockstepTraining
import TestSupport
import Testing

/// Translation as a run does it.
@Suite struct TranslationTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  /// A language of ten words, translated word by word into another of ten.
  private func writePairs(count: Int, seed: UInt64, name: String) throws -> [String] {
    var generator = SeededGenerator(seed: seed)
    let lines = (0..<count).map { _ in
      (0..<Int.random(in: 1...9, using: &generator)).map { _ in
        Int.random(in: 0..<10, using: &generator)
      }
    }
    let english = ["ab", "ba", "cd", "dc", "ef", "fe", "gh", "hg", "ij", "ji"]
    let french = ["k", "l", "m", "n", "o", "p", "q", "r", "s", "t"]
    return try [("en", english), ("fr", french)].map { language, words in
      let text = lines.map { $0.map { words[$0] }.joined(separator: " ") + "\n" }.joined()
      return try folder.write(Array(text.utf8), to: "\(name).\(language)")
    }
  }

  private func configuration(
    _ change: (inout TransformerConfiguration) -> Void = { _ in }
  ) throws -> RunConfiguration {
    _ = try PairPreparation(
      inputs: writePairs(count: 400, seed: 1, name: "train"),
      heldOut: writePairs(count: 50, seed: 2, name: "test"), output: folder.path + "/data",
      tokenizer: .bytePairEncoding(vocabularySize: 270)
    ).run()
    var pairs = PairDataConfiguration()
    pairs.trainSource = folder.path + "/data/train.source.bin"
    pairs.trainTarget = folder.path + "/data/train.target.bin"
    pairs.validationSource = folder.path + "/data/validation.source.bin"
    pairs.validationTarget = folder.path + "/data/validation.target.bin"
    pairs.tokenizer = folder.path + "/data/tokenizer.json"
    var model = TransformerConfiguration()
    (model.encoderLayers, model.decoderLayers, model.heads, model.width) = (1, 1, 2, 32)
    (model.context, model.dropout) = (40, 0.05)
    change(&model)
    var smoothed = CrossEntropyConfiguration()
    smoothed.labelSmoothing = 0.1
    var configuration = RunConfiguration()
    configuration.task = .translation
    configuration.data = DataConfiguration(.pairs(pairs))
    configuration.model = ModelConfiguration(model)
    configuration.loss = LossConfiguration(.crossEntropy(smoothed))
    configuration.batch.sequences = 8
    configuration.batch.microbatches = 6
    configuration.optimizer.learningRate = 5e-3
    configuration.schedule.warmupSteps = 5
    configuration.steps = 30
    return configuration
  }

  @Test func translationHasTheSameBitsOnAnyNumberOfRanks() throws {
    let configuration = try configuration()
    let alone = try folder.train(configuration)
    for ranks in [2, 3, 5] {
      let together = try folder.train(configuration, ranks: ranks)
      #expect(together.hash == alone.hash, "\(ranks) ranks")
      #expect(together.metrics == alone.metrics && together.loss == alone.loss)
    }
    #expect(alone.metrics.map(\.key) == ["perplexity"])
    #expect(abs(try #require(alone.metrics["perplexity"]) - exp(alone.loss)) < 1e-9)
  }

  @Test func aTranslatorOfOnesOwnLearnsAsAConfiguredOne() throws {
    let configuration = try configuration()
    guard case .pairs(let pairs) = configuration.data.format,
      let architecture = configuration.model.architecture as? TransformerConfiguration
    else { return }
    let data = try TranslationData(pairs, communicator: SoloCommunicator())
    let task = try data.task(
      of: Transformer(architecture, vocabularyCount: data.vocabularyCount),
      plan: configuration.plan, labelSmoothing: 0.1)
    #expect(task.checkpointFiles.map { $0.name } == ["tokenizer.json"])
    var broken = configuration.plan
    broken.seed = -1
    #expect(throws: ConfigurationError.self) { try data.task(of: task.translator, plan: broken) }
    let trainer = try Trainer(
      task: task, plan: configuration.plan, communicator: SoloCommunicator(), observers: [])
    _ = try trainer.run()
    #expect(trainer.parametersHash == (try folder.train(configuration).hash))
  }

  @Test func aTranslationThatIsResumedOnOtherRanksEqualsTheUninterrupted() throws {
    var configuration = try configuration { $0.norm = .post }
    configuration.schedule.shape = .constant
    let whole = try folder.train(configuration)
    _ = try folder.train(configuration, ranks: 3, in: "run", steps: 13)
    let resumed = try folder.train(configuration, ranks: 2, in: "run", resume: true)
    #expect(resumed.hash == whole.hash)
  }

  /// A target that does not follow from the source costs 2.3 nats a word.
  @Test func whatASourceSaysIsLearned() throws {
    var configuration = try configuration { $0.dropout = 0 }
    configuration.loss = LossConfiguration()
    configuration.steps = 250
    let outcome = try folder.train(configuration)
    #expect(outcome.loss < 0.3)

    let directory = RunDirectory(path: folder.path + "/run")
    configuration.steps = 3
    configuration.schedule.warmupSteps = 0
    let saved = try folder.train(configuration, in: "run")
    let evaluation = try ModelEvaluation(
      source: directory.path, options: EvaluationOptions(), workspace: Workspace())
    let report = try evaluation.run(SoloCommunicator())
    #expect(report.loss == saved.loss && report.unit == "tokens")
    let loaded = try TrainedModel.open(directory.path, in: Workspace())
    #expect(loaded.tokenizer?.vocabularyCount == 270 && loaded.step == 3)
    #expect(throws: Never.self) { try loaded.sequenceToSequenceModel() }
    #expect(
      throws: LoadingError.otherModel(
        path: loaded.path, found: .sequenceToSequence, expected: .language)
    ) { try loaded.languageModel() }
  }

  @Test func onceAllShapesWereSeenNoMemoryIsAskedFor() throws {
    let configuration = try configuration()
    let workspace = Workspace()
    let trainer = try Trainer(
      task: configuration.prepareTask(SoloCommunicator()).task, configuration: configuration,
      communicator: SoloCommunicator(), workspace: workspace, observers: [])
    let counts = try (0..<40).map { step in
      _ = try trainer.step.run(step: step)
      #expect(workspace.pool.lentCount == 0)
      return workspace.pool.allocationCount
    }
    // An epoch is 8 steps; a new size may replace a smaller buffer, which is then missed once more.
    #expect(Set(counts[32...]).count == 1, "\(counts)")
  }

  @Test func configurationsThatDoNotFitTogetherAreRefused() throws {
    func violations(_ yaml: String) -> [String] {
      do {
        _ = try RunConfiguration.parse(yaml: yaml, source: "run.yaml")
        return []
      } catch {
        return error.violations.map { "\($0.path.description): \($0)" }
      }
    }
    let task = "task: translation\n"
    let pairs = "data: {format: pairs}\n"
    let model = "model: {architecture: transformer}\n"
    #expect(violations(task + pairs + model) == [])
    for (yaml, path, words) in [
      (task + pairs, "model.architecture", "transformer, because task is translation"),
      (task + pairs + "model: {architecture: mlp}", "model.architecture", "transformer"),
      (task + model, "data.format", "pairs, because task is translation"),
      (
        pairs, "data.format",
        "tokens, conversations or preferences, because task is language-modeling"
      ),
      ("model: {architecture: transformer}", "model.architecture", "gpt"),
      (task + pairs + model + "loss: {name: huber}", "loss.name", "a loss for translation"),
      (
        task + model + "data: {format: pairs, validation_source: null}", "data.validation_target",
        "because data.validation_source is null"
      ),
      (
        task + pairs + "model: {architecture: transformer, heads: 7}", "model.heads",
        "a divisor of width (256)"
      ),
    ] {
      let found = violations(yaml)
      #expect(found.count == 1, "\(yaml): \(found)")
      #expect(found.allSatisfy { $0.hasPrefix(path) && $0.contains(words) }, "\(found)")
    }
  }
}
