import Foundation
import LockstepCommunication
import LockstepDatasets
import LockstepModels
import LockstepOptimization
import LockstepReporting
import LockstepTensors
import LockstepTraining
import Testing

/// Classification and regression as a run does them.
@Suite struct PredictionTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func classification(_ model: ModelConfiguration) throws -> RunConfiguration {
    var images = ImageDataConfiguration()
    (images.train, images.trainLabels) = try folder.writeImages(count: 300)
    let heldOut = try folder.writeImages(count: 90, seed: 2, name: "test")
    (images.validation, images.validationLabels) = (heldOut.images, heldOut.labels)
    images.augmentation.flip = 0.5
    images.augmentation.shift = 1
    images.augmentation.erase = 2
    var configuration = RunConfiguration()
    configuration.task = .classification
    configuration.data = DataConfiguration(.idx(images))
    configuration.model = model
    configuration.batch.sequences = 8
    configuration.batch.microbatches = 6
    configuration.evaluate.topK = 2
    configuration.optimizer.learningRate = 5e-3
    configuration.steps = 40
    configuration.schedule.warmupSteps = 5
    return configuration
  }

  private func regression(_ loss: LossConfiguration.Kind = .standard) throws -> RunConfiguration {
    var table = TableDataConfiguration()
    table.train = try folder.writeTable(rows: 200)
    table.validation = try folder.writeTable(rows: 50, seed: 2, name: "test.csv")
    var configuration = RunConfiguration()
    configuration.task = .regression
    configuration.data = DataConfiguration(.csv(table))
    configuration.model = ModelConfiguration(LinearConfiguration())
    configuration.loss = LossConfiguration(loss)
    configuration.batch.sequences = 10
    configuration.batch.microbatches = 5
    configuration.optimizer.method = .sgd(SGD())
    configuration.optimizer.learningRate = 0.05
    configuration.optimizer.clipNorm = 0
    configuration.schedule.shape = .constant
    configuration.steps = 200
    return configuration
  }

  private static let vision = {
    var configuration = VisionTransformerConfiguration()
    (configuration.layers, configuration.width, configuration.dropout) = (1, 16, 0.1)
    return ModelConfiguration(configuration)
  }()

  private static let perceptron = ModelConfiguration(MLPConfiguration(hidden: [12], dropout: 0.1))

  @Test(arguments: [vision, perceptron, ModelConfiguration(LinearConfiguration())])
  func classificationHasTheSameBitsOnAnyNumberOfRanksAndLearns(
    model: ModelConfiguration
  ) throws {
    let configuration = try classification(model)
    let alone = try folder.train(configuration)
    for ranks in [2, 3, 5] {
      let together = try folder.train(configuration, ranks: ranks)
      #expect(together.hash == alone.hash, "\(ranks) ranks")
      #expect(together.metrics == alone.metrics && together.loss == alone.loss)
    }
    #expect(alone.metrics.map(\.key) == ["accuracy", "top_2_accuracy", "perplexity"])
    let accuracy = try #require(alone.metrics["accuracy"])
    #expect(accuracy > 0.4, "a guess is right one time in four")
    #expect(try #require(alone.metrics["top_2_accuracy"]) >= accuracy)
    #expect(abs(try #require(alone.metrics["perplexity"]) - exp(alone.loss)) < 1e-9)
  }

  @Test func aClassificationThatIsResumedOnOtherRanksEqualsTheUninterrupted() throws {
    var configuration = try classification(Self.perceptron)
    configuration.schedule.shape = .constant
    let whole = try folder.train(configuration)
    _ = try folder.train(configuration, ranks: 3, in: "run", steps: 17)
    let resumed = try folder.train(configuration, ranks: 2, in: "run", resume: true)
    #expect(resumed.hash == whole.hash)
  }

  @Test(arguments: [
    LossConfiguration.Kind.binaryCrossEntropy,
    .crossEntropy(.smoothed(0.2)), .divergence(.smoothed(0.2)),
  ])
  func everyLossOfClassesLearns(loss: LossConfiguration.Kind) throws {
    var configuration = try classification(Self.perceptron)
    let standard = try folder.train(configuration)
    configuration.loss = LossConfiguration(loss)
    let outcome = try folder.train(configuration)
    #expect(outcome.hash != standard.hash)
    #expect(try #require(outcome.metrics["accuracy"]) > 0.6)
    if case .binaryCrossEntropy = loss {
      #expect(outcome.metrics["perplexity"] == nil)
    } else {
      #expect(outcome.metrics["perplexity"] != nil)
      // Held-out labels are not smoothed: while nothing is learned, the losses are equal.
      configuration.optimizer.learningRate = 0
      let smoothed = try folder.train(configuration)
      configuration.loss = LossConfiguration(.standard)
      #expect(abs(try folder.train(configuration).loss - smoothed.loss) < 1e-6)
    }
  }

  @Test func aDivergenceIsTheCrossEntropyLessTheEntropyOfItsTargets() throws {
    var configuration = try classification(Self.perceptron)
    configuration.schedule.warmupSteps = 0
    configuration.loss = LossConfiguration(.crossEntropy(.smoothed(0.2)))
    let crossEntropy = try folder.train(configuration, steps: 1)
    configuration.loss = LossConfiguration(.divergence(.smoothed(0.2)))
    let divergence = try folder.train(configuration, steps: 1)
    // Of 0.85 for the right one of four classes, and 0.05 for each other.
    let entropy = -0.85 * log(0.85) - 3 * 0.05 * log(0.05)
    #expect(abs(crossEntropy.losses[0] - entropy - divergence.losses[0]) < 1e-5)
    #expect(abs(crossEntropy.norms[0] - divergence.norms[0]) < 1e-5)
    #expect(divergence.losses[0] > 0 && divergence.norms[0] > 0)
  }

  @Test(arguments: [LossConfiguration.Kind.squaredError, .huber(HuberConfiguration())])
  func regressionFindsThePlane(loss: LossConfiguration.Kind) throws {
    let configuration = try regression(loss)
    let alone = try folder.train(configuration)
    #expect(try folder.train(configuration, ranks: 4).hash == alone.hash)
    #expect(alone.metrics.map(\.key) == ["r2"])
    // The noise is a hundredth of a variance of 13.
    #expect(try #require(alone.metrics["r2"]) > 0.998)
  }

  @Test func aModelOfOnesOwnLearnsAsAConfiguredOne() throws {
    let configuration = try regression()
    guard case .csv(let table) = configuration.data.format else { return }
    let (plan, communicator) = (configuration.plan, SoloCommunicator())
    let data = try SampleData(.values(table), plan: plan, communicator: communicator)
    let task = try data.task(of: LinearPredictor(features: 2, outputs: 1), plan: plan)
    #expect(task.checkpointFiles.map { $0.name } == ["samples.json"])
    let trainer = try Trainer(task: task, plan: plan, communicator: communicator, observers: [])
    _ = try trainer.run()
    #expect(trainer.parametersHash == (try folder.train(configuration).hash))
  }

  @Test func aFoldIsHeldOutTheSameOnAnyNumberOfRanks() throws {
    var configuration = try regression()
    guard case .csv(var table) = configuration.data.format else { return }
    table.validation = nil
    var hashes: Set<String> = []
    for fold in 0..<3 {
      table.folds = FoldConfiguration(count: 3, heldOut: fold)
      configuration.data = DataConfiguration(.csv(table))
      let alone = try folder.train(configuration, in: "fold-\(fold)")
      #expect(try folder.train(configuration, ranks: 3).hash == alone.hash)
      #expect(try #require(alone.metrics["r2"]) > 0.998)
      hashes.insert(alone.hash)
      let report = try ModelEvaluation(
        source: "\(folder.path)/fold-\(fold)", options: EvaluationOptions(),
        workspace: Workspace()
      ).run(SoloCommunicator())
      #expect(abs(report.loss - alone.loss) < 1e-6)
      #expect(report.targets == 66 + (fold == 0 ? 0 : 1))
      #expect(report.data.hasPrefix("fold \(fold) of 3 of "))
    }
    #expect(hashes.count == 3)
  }

  @Test func theRanksOfAHostShareTheSamples() throws {
    let configuration = try classification(ModelConfiguration(LinearConfiguration()))
    guard case .idx(let images) = configuration.data.format else { return }
    struct Place: Equatable, Sendable {
      let address: Int
      let bytes: [UInt8]
    }
    @Sendable func places(_ communicator: any Communicator) throws -> [Place] {
      let data = try SampleData(
        .images(images), plan: configuration.plan, communicator: communicator)
      return try [data.train, #require(data.validation)].compactMap { samples in
        guard case .pixels(let pixels) = samples.features else { return nil }
        return pixels.withBytes {
          Place(address: Int(bitPattern: $0.baseAddress), bytes: Array(pixels))
        }
      }
    }
    let alone = try places(SoloCommunicator())
    let together = try InProcessGroup(size: 3).run { try places($0) }
    #expect(together[0].map(\.bytes) == alone.map(\.bytes))
    #expect(together[0].count == 2)
    #expect(together[1] == together[0] && together[2] == together[0])
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
    let table = "data: {format: csv, train: a.csv}"
    #expect(violations("task: regression\n\(table)\nmodel: {architecture: linear}") == [])
    for (yaml, path, words) in [
      ("task: regression\n\(table)", "model.architecture", "linear, sine, mlp or vit"),
      ("task: classification\nmodel: {architecture: mlp}", "data.format", "idx, csv or texts"),
      (
        "task: regression\ndata: {format: idx}\nmodel: {architecture: mlp}", "data.format",
        "csv, because task is regression"
      ),
      ("model: {architecture: mlp}", "model.architecture", "gpt"),
      (
        "task: classification\n\(table)\nmodel: {architecture: mlp}\nloss: {name: huber}",
        "loss.name", "a loss for classification"
      ),
      (
        "task: classification\ndata: {format: idx, validation: a}\nmodel: {architecture: mlp}",
        "data.validation_labels", "because data.validation is one"
      ),
      (
        "task: regression\ndata: {format: csv, columns: [y]}\nmodel: {architecture: linear}",
        "data.columns", "without the target"
      ),
      (
        "task: regression\ndata: {format: csv, folds: {count: 3, held_out: 3}}\n"
          + "model: {architecture: linear}", "data.folds.held_out", "below count (3)"
      ),
      (
        "task: regression\ndata: {format: csv, validation: a, folds: {count: 3}}\n"
          + "model: {architecture: linear}", "data.validation", "because data.folds.count is 3"
      ),
    ] {
      let found = violations(yaml)
      #expect(found.count == 1, "\(yaml): \(found)")
      #expect(found.allSatisfy { $0.hasPrefix(path) && $0.contains(words) }, "\(found)")
    }
  }

  /// Where each pair of classes would be a number, those that occurred are told.
  @Test func theConfusionsOfManyClassesAreTheSameOnAnyNumberOfRanks() throws {
    let rows = (0..<1_200).map { "\(Float($0 % 1_100) / 100),\($0 % 7),kind \($0 % 1_100)\n" }
    let path = try folder.write(Array(("a,b,kind\n" + rows.joined()).utf8), to: "kinds.csv")
    var table = TableDataConfiguration()
    (table.train, table.validation, table.target) = (path, path, "kind")
    var configuration = RunConfiguration()
    configuration.task = .classification
    configuration.data = DataConfiguration(.csv(table))
    configuration.model = ModelConfiguration(LinearConfiguration())
    configuration.steps = 2
    let run = folder.path + "/kinds"
    _ = try folder.train(configuration, in: "kinds")
    func reports(ranks: Int) throws -> [ModelEvaluation.Report] {
      try InProcessGroup(size: ranks).run { communicator in
        try ModelEvaluation(
          source: run, options: EvaluationOptions(), workspace: Workspace()
        ).run(communicator)
      }
    }
    let alone = try #require(reports(ranks: 1).first)
    let confusion = try #require(alone.confusion)
    #expect(confusion.scores.reduce(0) { $0 + $1.count } == 1_200)
    for report in try reports(ranks: 3) { #expect(report.confusion == confusion) }
    let json = try JSONSerialization.jsonObject(with: Data(alone.json().utf8)) as? [String: Any]
    let told = try #require(json?["confusions"] as? [[String: Int]])
    #expect(told.reduce(0) { $0 + ($1["count"] ?? 0) } == 1_200 && json?["confusion"] == nil)
    let isSame = told.allSatisfy { pair in
      guard let right = pair["right"], let predicted = pair["predicted"] else { return false }
      return confusion.count(right: right, predicted: predicted) == pair["count"]
    }
    #expect(isSame)
  }

  @Test func aRunThatStopsEarlyHasSamplesOfItsLastStep() throws {
    var configuration = try regression()
    configuration.optimizer.learningRate = 1e-30
    configuration.evaluate.every = 2
    configuration.earlyStopping.patience = 1
    configuration.samples.every = 3
    let run = try TrainingRun(
      configuration: configuration, communicator: SoloCommunicator(), mode: "", directory: nil,
      resume: false, threads: 1)
    let recorder = EventRecorder()
    run.trainer.attach(recorder)
    _ = try run.run(until: StopRequest())
    #expect(run.trainer.stepsTaken == 4)
    #expect(recorder.names.filter { $0.hasPrefix("samples") } == ["samples 3", "samples 4"])
  }
}

extension CrossEntropyConfiguration {
  fileprivate static func smoothed(_ share: Double) -> Self {
    var configuration = Self()
    configuration.labelSmoothing = share
    return configuration
  }
}
