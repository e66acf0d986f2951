import LockstepDatasets

extension TrainedModel {
  /// What the files of the model say of conversations.
  ///
  /// - Throws: `ChatDescriptionError`.
  public func chatDescription() throws -> ChatDescription {
    var chat = try ChatDescription(directory: path)
    // Most tokenizers that Lockstep trains have one token for both.
    chat.endOfText = chat.endOfText ?? tokenizer?.endOfTextName
    return chat
  }
}
