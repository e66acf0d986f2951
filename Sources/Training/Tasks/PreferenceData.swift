import Foundation
import LockstepCommunication
import LockstepDatasets
import LockstepModels

/// What a language model learns preferences from, opened on every rank as token files are.
final class PreferenceData {
  /// The files, as those of conversations.
  let files: ConversationData

  /// Opens everything that the section names, and checks that it belongs together. Collective.
  ///
  /// - Parameters:
  ///   - data: The section of preferences.
  ///   - context: T, at most the model's.
  ///   - vocabularyCount: V of the model, at least the tokenizer's; nil: that.
  /// - Throws: As `ConversationData.init`.
  init(
    _ data: PreferenceDataConfiguration, context: Int, vocabularyCount: Int?,
    communicator: any Communicator
  ) throws {
    files = try ConversationData(
      data.conversations, context: context, vocabularyCount: vocabularyCount,
      communicator: communicator)
  }

  /// The task of preferring as these preferences do.
  ///
  /// - Parameters:
  ///   - objective: Its model knows at least V tokens, and sequences of T.
  ///   - plan: `batch` and `seed` are used.
  ///   - checkpointFiles: Beside those of the tokenizer.
  /// - Throws: `ConversationError.longerThanContext` or `.holdsNoPreferences`.
  func task(
    _ objective: PreferenceObjective, plan: Plan,
    files: [(name: String, bytes: [UInt8])]
  ) throws -> PreferenceTask {
    PreferenceTask(
      objective, loader: try loader(plan),
      heldOut: try self.files.validation.map {
        try PreferenceLoader(
          $0, sequences: plan.batch.sequences, context: self.files.context)
      },
      checkpointFiles: files + self.files.text.checkpointFiles)
  }

  private func loader(_ plan: Plan) throws -> PreferenceLoader {
    try PreferenceLoader(
      files.train, sequences: plan.batch.sequences, context: files.context,
      microbatches: plan.batch.microbatches, seed: UInt64(plan.seed))
  }

  /// One line for the console.
  var summary: String {
    let (train, heldOut) = (files.train, files.validation.map { ", \($0.count / 2) held out" })
    return "\(train.tokens.path), \(train.count / 2) preferences, \(train.tokens.count) tokens, "
      + "\(train.learnedCount) of them answers\(heldOut ?? ""), vocabulary \(files.vocabularyCount)"
  }

  /// One line about a step's batch.
  func batchSummary(_ plan: Plan) throws -> String {
    let loader = try loader(plan)
    let pairs = plan.batch.sequences / 2 * plan.batch.microbatches
    let mean = Double(loader.preferenceCount) / Double(loader.rowCount)
    let epochs = Double(plan.steps * pairs) / Double(loader.rowCount)
    return
      "\(pairs) of \(loader.rowCount) pairs of sequences of up to \(files.context) tokens: about "
      + "\(Int((mean * Double(pairs)).rounded())) preferences a step, "
      + "\(String(format: "%.1f", epochs)) epochs in all"
  }
}
