import Foundation
import LockstepCommunication
import LockstepDatasets
import LockstepModels
import LockstepOptimization
import LockstepTraining
import TestSupport
import Testing

/// Runs whose token embedding begins with vectors from a file.
@Suite struct WordVectorRunTests {
  private let folder: TemporaryFolder
  private static let letters = Array("etaoinshrdlu")
  private static let width = 16

  init() throws { folder = try TemporaryFolder() }

  /// The vector of a letter.
  private static func vector(_ letter: Character) -> [Float] {
    let seed = UInt64(letter.asciiValue ?? 0)
    var generator = SeededGenerator(seed: seed)
    return generator.normals(width).map { $0 / 16 }
  }

  /// A text of letters in a token file, and vectors for the letters.
  private func configuration(trained: Bool) throws -> RunConfiguration {
    var generator = SeededGenerator(seed: 4)
    let tokenizer = ByteTokenizer()
    let text = String(
      (0..<2000).map { _ in Self.letters[Int.random(in: 0..<12, using: &generator)] })
    let writer = try TokenFileWriter(
      path: folder.path + "/train.bin", vocabularyCount: tokenizer.vocabularyCount,
      tokenizerHash: tokenizer.contentHash)
    try writer.append(tokenizer.encode(text))
    try writer.finish()
    try tokenizer.save(to: folder.path + "/tokenizer.json")
    let lines = Self.letters.map { letter in
      "\(letter) " + Self.vector(letter).map { "\($0)" }.joined(separator: " ") + "\n"
    }
    let vectors = try folder.write(Array(lines.joined().utf8), to: "vectors.txt")
    var configuration = RunConfiguration()
    configuration.data = DataConfiguration(
      .tokens(
        TokenDataConfiguration(
          train: folder.path + "/train.bin", validation: nil,
          tokenizer: folder.path + "/tokenizer.json")))
    configuration.model = ModelConfiguration(
      GPTConfiguration(layers: 1, heads: 2, width: Self.width, context: 12))
    configuration.wordVectors.path = vectors
    configuration.wordVectors.trained = trained
    configuration.batch.sequences = 2
    configuration.batch.microbatches = 4
    configuration.schedule.warmupSteps = 0
    configuration.schedule.shape = .constant
    configuration.steps = 6
    return configuration
  }

  private struct Outcome: Sendable {
    let hash: String
    /// The token embedding, before the first step and after the last, and all other parameters.
    let before: [Float]
    let after: [Float]
    let changed: Bool
    let norms: [Double]
  }

  private func train(_ configuration: RunConfiguration, ranks: Int = 1) throws -> Outcome {
    try InProcessGroup(size: ranks).run { communicator in
      let trainer = try Trainer(
        task: configuration.prepareTask(communicator).task, configuration: configuration,
        communicator: communicator, observers: [])
      let entries = trainer.replica.parameters.entries
      guard let embedding = entries.first(where: { $0.name == "transformer.wte.weight" }) else {
        throw Missing()
      }
      func values(_ range: Range<Int>) -> [Float] {
        range.map { trainer.replica.shared.values[$0] }
      }
      func rest() -> [Float] {
        entries.filter { $0.name != embedding.name }.flatMap { values($0.range) }
      }
      let (before, restBefore) = (values(embedding.range), rest())
      let recorder = EventRecorder()
      trainer.attach(recorder)
      _ = try trainer.run()
      let norms = recorder.events.compactMap { event -> Double? in
        if case .step(let record) = event { record.gradientNorm } else { nil }
      }
      return Outcome(
        hash: trainer.parametersHash, before: before, after: values(embedding.range),
        changed: rest() != restBefore, norms: norms)
    }[0]
  }

  private struct Missing: Error {}

  @Test func theEmbeddingBeginsWithTheVectorsAndLearns() throws {
    let configuration = try configuration(trained: true)
    let outcome = try train(configuration)
    for letter in Self.letters {
      let row = Int(letter.asciiValue ?? 0) * Self.width
      #expect(Array(outcome.before[row..<row + Self.width]) == Self.vector(letter))
    }
    #expect(outcome.after != outcome.before)
    #expect(try train(configuration, ranks: 3).hash == outcome.hash)
    // Other tokens begin as without vectors.
    var plain = configuration
    plain.wordVectors.path = nil
    let without = try train(plain)
    let known = Set(Self.letters.map { Int($0.asciiValue ?? 0) })
    for token in 0..<257 {
      let row = token * Self.width..<(token + 1) * Self.width
      #expect((outcome.before[row] == without.before[row]) != known.contains(token))
    }
  }

  @Test(arguments: [
    OptimizerConfiguration.Method.adamw(AdamW()), .sgd(SGD()), .lamb(LAMB()), .lion(Lion()),
    .adafactor(Adafactor()), .muon(Muon()), .shampoo(Shampoo()), .lbfgs(LBFGS()),
  ])
  func anEmbeddingThatIsNotTrainedStaysAndChangesNoNorm(
    method: OptimizerConfiguration.Method
  ) throws {
    var configuration = try configuration(trained: false)
    configuration.optimizer.method = method
    if case .lbfgs = method {
      configuration.optimizer.clipNorm = 0
    } else {
      configuration.optimizer.l1 = 1e-3
      // What its group says does not count.
      var group = ParameterGroup()
      (group.parameters, group.rate, group.weightDecay) = ("*wte*", 2, 0.5)
      configuration.optimizer.groups = [group]
    }
    let frozen = try train(configuration)
    #expect(frozen.after == frozen.before)
    #expect(frozen.changed)
    #expect(try train(configuration, ranks: 3).hash == frozen.hash)
    configuration.wordVectors.trained = true
    let trained = try train(configuration)
    #expect(trained.after != trained.before)
    #expect(try #require(frozen.norms.first) < #require(trained.norms.first))
  }

  @Test(arguments: [true, false])
  func aRunThatGoesOnNeedsItsVectorsNoMore(trained: Bool) throws {
    let configuration = try configuration(trained: trained)
    func run(_ name: String, steps: Int, ranks: Int = 1, resume: Bool = false) throws -> String {
      try InProcessGroup(size: ranks).run { communicator in
        var configuration = configuration
        configuration.steps = steps
        let run = try TrainingRun(
          configuration: configuration, communicator: communicator, mode: "",
          directory: RunDirectory(path: folder.path + "/" + name), resume: resume, threads: 1)
        _ = try run.run(until: StopRequest())
        return run.trainer.parametersHash
      }[0]
    }
    let whole = try run("whole", steps: 6)
    _ = try run("parts", steps: 2)
    try FileManager.default.removeItem(atPath: folder.path + "/vectors.txt")
    #expect(throws: (any Error).self) { try run("new", steps: 2) }
    _ = try run("parts", steps: 4, ranks: 2, resume: true)
    #expect(try run("parts", steps: 6, ranks: 3, resume: true) == whole)
    // What the run began with stays on record.
    let records = try ["whole", "parts"].map {
      try String(contentsOfFile: folder.path + "/\($0)/data.json", encoding: .utf8)
    }
    #expect(records[0] == records[1] && records[0].contains("word_vectors.path"))
  }

  @Test func anEmbeddingThatStaysIsNotWhatIsTrained() throws {
    var configuration = try configuration(trained: false)
    configuration.freeze = ["transformer.h.*", "*wpe*", "*ln_f*"]
    let error = #expect(throws: (any Error).self) {
      try configuration.prepareTask(SoloCommunicator())
    }
    #expect(
      "\(error as Any)".contains("all parameters but the token embedding, which word_vectors"),
      "\(error as Any)")
    configuration.wordVectors.trained = true
    #expect(try train(configuration).norms.count == 6)
  }

  @Test func anEmbeddingThatStaysTakesLessMemory() throws {
    /// Bytes that a run takes at least.
    func least(trained: Bool) throws -> Int {
      let configuration = try configuration(trained: trained)
      var (refused, fitting) = (0, 1 << 30)
      while fitting - refused > 1 {
        let bytes = (refused + fitting) / 2
        do {
          _ = try configuration.prepareTask(SoloCommunicator(), memory: bytes)
          fitting = bytes
        } catch {
          refused = bytes
        }
      }
      return fitting
    }
    // A gradient and AdamW's two moments of 257 tokens.
    #expect(try least(trained: true) - least(trained: false) >= 3 * 4 * 257 * Self.width)
  }

  @Test func whatDoesNotFitTheVectorsIsRefused() throws {
    func violations(_ yaml: String) -> [String] {
      do {
        _ = try RunConfiguration.parse(yaml: yaml, source: "run.yaml")
        return []
      } catch {
        return error.violations.map { "\($0.path.description): \($0)" }
      }
    }
    for (yaml, key, words) in [
      ("word_vectors: {trained: false}", "word_vectors.trained", "word_vectors.path is null"),
      (
        "word_vectors: {path: a}\ndata: {tokenizer: ~}\nmodel: {vocabulary: 9}",
        "word_vectors.path", "data.tokenizer is null"
      ),
      (
        "task: regression\ndata: {format: csv}\nmodel: {architecture: linear}\n"
          + "word_vectors: {path: a}", "word_vectors.path", "task is regression"
      ),
    ] {
      let found = violations(yaml)
      #expect(found.count == 1, "\(yaml): \(found)")
      #expect(found.allSatisfy { $0.hasPrefix(key) && $0.contains(words) }, "\(found)")
    }
    var configuration = try configuration(trained: true)
    configuration.model = ModelConfiguration(
      GPTConfiguration(layers: 1, heads: 1, width: 8, context: 4))
    #expect(throws: (any Error).self) { try train(configuration) }
  }
}
