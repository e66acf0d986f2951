import LockstepCommunication
import LockstepDatasets
import LockstepModels

extension TaskPreparation {
  /// Prepares the task of finding the hidden tokens of token files. Collective.
  func maskedLanguageModeling(
    _ tokens: TokenDataConfiguration, _ architecture: any MaskedLanguageArchitecture
  ) throws -> PreparedTask {
    let data = try MaskedLanguageModelingData(
      tokens, masking: recipe.masking, context: context, vocabularyCount: recipe.model.vocabulary,
      communicator: communicator)
    var record = try communicator.agree {
      try data.text.record(
        named: named.tokens, added: [Vocabulary.maskName], vectors: nil, vectorsNamed: nil)
    }
    record?.files += beginning.record
    try requireTokenizer(data.text.tokenizer, path: tokens.tokenizer)
    let network = architecture.model(vocabularyCount: data.vocabularyCount)
    try adapt(network, toSequencesOf: [context])
    let task = try communicator.agree {
      try data.task(
        of: network, plan: plan, labelSmoothing: labelSmoothing,
        files: checkpointFiles(record) + interchangeFiles(for: data.text, of: network))
    }
    return PreparedTask(
      task: task, dataSummary: data.text.summary, unit: "tokens", epochLength: nil,
      data: record,
      samples: try plan.samples.every == 0
        ? nil
        : communicator.agree {
          try MaskedSamples(of: network, tokenizer: data.text.tokenizer, plan.samples)
        })
  }
}
