import Foundation
import LockstepCommunication
import LockstepDatasets
import LockstepModels
import LockstepSettings
import LockstepTraining
import Testing

/// Plans and sections that a program makes are checked before anything is made of them.
@Suite struct CodedPlanTests {
  private let folder: TemporaryFolder
  private let communicator = SoloCommunicator()

  init() throws { folder = try TemporaryFolder() }

  /// Plans of which each breaks one rule, with the key that is named.
  static let broken: [(key: String, plan: Plan)] = {
    var (seed, sequences, microbatches) = (Plan(), Plan(), Plan())
    seed.seed = -1
    sequences.batch.sequences = 0
    microbatches.batch.microbatches = 0
    return [
      ("seed", seed), ("batch.sequences", sequences), ("batch.microbatches", microbatches),
    ]
  }()

  /// The keys that an error names.
  private func keys(_ body: () throws -> Void) throws -> [String] {
    do {
      try body()
    } catch let error as AgreedError {
      return try keys { throw error.underlying }
    } catch let error as ConfigurationError {
      return error.violations.map(\.path.description)
    }
    return []
  }

  private func table() throws -> TableDataConfiguration {
    let path = folder.path + "/table.csv"
    try (0..<20).map { "\($0),\($0 % 2)\n" }.reduce("x,y\n", +)
      .write(toFile: path, atomically: true, encoding: .utf8)
    var table = TableDataConfiguration()
    (table.train, table.target, table.validation) = (path, "y", nil)
    return table
  }

  @Test(arguments: broken.indices) func dataOfSamplesRefusesAPlan(index: Int) throws {
    let (key, plan) = Self.broken[index]
    let source = SampleSource.values(try table())
    #expect(
      try keys { _ = try SampleData(source, plan: plan, communicator: communicator) } == [key])
    let data = try SampleData(source, plan: Plan(), communicator: communicator)
    #expect(
      try keys {
        _ = try data.task(of: LinearPredictor(features: 1, outputs: 1), plan: plan)
      } == [key])
  }

  @Test func dataOfSamplesRefuseASection() throws {
    var table = try table()
    table.folds = FoldConfiguration(count: 5, heldOut: 7)
    for source in [SampleSource.values(table), .classes(table)] {
      #expect(
        try keys { _ = try SampleData(source, plan: Plan(), communicator: communicator) }
          == ["folds.held_out"])
    }
  }

  @Test(arguments: broken.indices) func dataOfTextsRefuseAPlan(index: Int) throws {
    let (key, plan) = Self.broken[index]
    let tokens = TokenDataConfiguration(
      train: folder.path + "/train.bin", validation: nil, tokenizer: nil)
    let writer = try TokenFileWriter(path: folder.path + "/train.bin", vocabularyCount: 9)
    try writer.append((0..<100).map { Int32($0 % 9) })
    try writer.finish()
    let gpt = GPTConfiguration(layers: 1, heads: 2, width: 16, context: 12)
    let data = try LanguageModelingData(
      tokens, context: 12, vocabularyCount: 9, communicator: communicator)
    #expect(
      try keys { _ = try data.task(of: GPT(gpt, vocabularyCount: 9), plan: plan) } == [key])
    var bert = BERTConfiguration()
    (bert.layers, bert.heads, bert.width, bert.context) = (1, 2, 16, 12)
    let masked = try MaskedLanguageModelingData(
      tokens, context: 12, vocabularyCount: 10, communicator: communicator)
    #expect(
      try keys { _ = try masked.task(of: BERT(bert, vocabularyCount: 10), plan: plan) } == [key])
  }

  @Test func dataOfTextsRefuseASection() throws {
    var tokens = TokenDataConfiguration()
    tokens.augmentation.tokenDropout = 2
    #expect(
      try keys {
        _ = try LanguageModelingData(tokens, context: 12, communicator: communicator)
      } == ["augmentation.token_dropout"])
    #expect(
      try keys {
        _ = try MaskedLanguageModelingData(tokens, context: 12, communicator: communicator)
      } == ["augmentation.token_dropout"])
    var pairs = PairDataConfiguration()
    pairs.trainSource = ""
    #expect(
      try keys { _ = try TranslationData(pairs, communicator: communicator) } == ["train_source"])
    var texts = TextDataConfiguration()
    texts.train = ""
    #expect(
      try keys {
        _ = try TextClassificationData(texts, context: 12, communicator: communicator)
      } == ["train"])
    var conversations = ConversationDataConfiguration()
    conversations.train = ""
    #expect(
      try keys {
        _ = try ConversationData(conversations, context: 12, communicator: communicator)
      } == ["train"])
  }
}
