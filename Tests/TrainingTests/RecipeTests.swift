import LockstepCommunication
import LockstepDatasets
import LockstepModels
import LockstepSettings
import LockstepTensors
import LockstepTraining
import TestSupport
import Testing

/// What is trained, and that a model of one's own is trained as a configured one.
@Suite struct RecipeTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private static let formats: [DataConfiguration.Format] = [
    .tokens(TokenDataConfiguration()), .pairs(PairDataConfiguration()),
    .idx(ImageDataConfiguration()), .csv(TableDataConfiguration()),
  ]

  private static let models: [ModelConfiguration] = [
    ModelConfiguration(GPTConfiguration()), ModelConfiguration(BERTConfiguration()),
    ModelConfiguration(TransformerConfiguration()), ModelConfiguration(LinearConfiguration()),
  ]

  /// Whatever passes the checks has its parts, and nothing else has.
  @Test(arguments: TaskName.allCases)
  func aRecipeHasItsPartsIfItIsValid(task: TaskName) throws {
    var validCount = 0
    for format in Self.formats {
      for model in Self.models {
        var recipe = Recipe()
        (recipe.task, recipe.data, recipe.model) = (task, DataConfiguration(format), model)
        let isValid = (try? recipe.validate()) != nil
        #expect(((try? recipe.parts()) != nil) == isValid, "\(format), \(model.summary)")
        validCount += isValid ? 1 : 0
      }
    }
    #expect(validCount == (task == .classification ? 2 : 1))
  }

  /// Every key of the two is one of the configuration, in the order in which people read it.
  @Test func aConfigurationHasTheKeysOfBoth() {
    let keys = RunConfiguration.keyDescriptions.map(\.key)
    let parts = Recipe.keyDescriptions.map(\.key) + Plan.keyDescriptions.map(\.key)
    #expect(keys.sorted() == parts.sorted() && Set(keys).count == keys.count)
    #expect(keys.first == "task" && keys.last == "threads")
  }

  private func writeText() throws -> TokenDataConfiguration {
    var generator = SeededGenerator(seed: 4)
    let tokenizer = ByteTokenizer()
    let letters = Array("etaoinshrdlu")
    let text = String((0..<2000).map { _ in letters[Int.random(in: 0..<12, using: &generator)] })
    let path = folder.path + "/train.bin"
    let writer = try TokenFileWriter(
      path: path, vocabularyCount: tokenizer.vocabularyCount, tokenizerHash: tokenizer.contentHash)
    try writer.append(tokenizer.encode(text))
    try writer.finish()
    try tokenizer.save(to: folder.path + "/tokenizer.json")
    return TokenDataConfiguration(
      train: path, validation: path, tokenizer: folder.path + "/tokenizer.json")
  }

  private func plan() -> Plan {
    var plan = Plan()
    plan.batch.sequences = 2
    plan.steps = 3
    plan.schedule.shape = .constant
    return plan
  }

  private func hash(_ task: any TrainingTask) throws -> String {
    let trainer = try Trainer(
      task: task, plan: plan(), communicator: SoloCommunicator(), observers: [])
    _ = try trainer.run()
    #expect(trainer.lastEvaluation != nil)
    return trainer.parametersHash
  }

  @Test func aLanguageModelOfOnesOwnLearnsAsAConfiguredOne() throws {
    let tokens = try writeText()
    let gpt = GPTConfiguration(layers: 1, heads: 2, width: 16, context: 12)
    let data = try LanguageModelingData(tokens, context: 12, communicator: SoloCommunicator())
    let task = try data.task(
      of: GPT(gpt, vocabularyCount: data.vocabularyCount), plan: plan())
    #expect(task.checkpointFiles.map { $0.name } == ["tokenizer.json"])
    var recipe = Recipe()
    recipe.data = DataConfiguration(.tokens(tokens))
    recipe.model = ModelConfiguration(gpt)
    let configured = try RunConfiguration(recipe: recipe, plan: plan())
      .prepareTask(SoloCommunicator()).task
    #expect(try hash(task) == hash(configured))
  }

  @Test func aMaskedLanguageModelOfOnesOwnLearnsAsAConfiguredOne() throws {
    let tokens = try writeText()
    var bert = BERTConfiguration()
    (bert.layers, bert.heads, bert.width, bert.context) = (1, 2, 16, 12)
    let data = try MaskedLanguageModelingData(
      tokens, context: 12, communicator: SoloCommunicator())
    let task = try data.task(
      of: BERT(bert, vocabularyCount: data.vocabularyCount), plan: plan())
    var recipe = Recipe()
    recipe.task = .maskedLanguageModeling
    recipe.data = DataConfiguration(.tokens(tokens))
    recipe.model = ModelConfiguration(bert)
    let configured = try RunConfiguration(recipe: recipe, plan: plan())
      .prepareTask(SoloCommunicator()).task
    #expect(try hash(task) == hash(configured))
  }
}
