import LockstepDatasets
import LockstepFiles

extension TrainedModel {
  /// What the model's files say of conversations.
  public var chatDescription: ChatDescription {
    ChatDescription(conventions, tokenizer: tokenizer, path: path)
  }

  /// A tokenizer, and what stands beside it of conversations: of a `tokenizer.json`, a run, a checkpoint,
  /// or a model; no tensor is read.
  ///
  /// - Throws: `TokenizerError`, `LoadingError`, `UnsupportedModelError`.
  public static func chatTokenizer(
    at path: String
  ) throws -> (tokenizer: any Tokenizer, description: ChatDescription) {
    if path.hasSuffix(".json") {
      let tokenizer = try TokenizerFile.load(path)
      let conventions = try TextConventions(beside: path, tokenizer)
      return (
        tokenizer,
        ChatDescription(conventions, tokenizer: tokenizer, path: FileSystem.parent(of: path))
      )
    }
    return try ModelPlace.reading(path, threads: .ofThisProcess) { place, _ in
      let description = try ModelDescription(at: place)
      guard let tokenizer = description.tokenizer else {
        throw LoadingError.noTokenizer(path: description.path)
      }
      return (
        tokenizer,
        ChatDescription(
          description.conventions, tokenizer: tokenizer, path: description.path)
      )
    }
  }
}

extension ChatDescription {
  fileprivate init(_ conventions: TextConventions, tokenizer: (any Tokenizer)?, path: String) {
    let end = tokenizer.flatMap { tokenizer in
      tokenizer.endOfText.map {
        String(decoding: tokenizer.vocabulary.bytes(of: $0), as: UTF8.self)
      }
    }
    var names = conventions.names
    names[.endOfText] = conventions.endOfTextNames.first ?? end
    self.init(
      template: conventions.chatTemplate, templatePath: path + " (chat template)",
      specialTokens: Dictionary(uniqueKeysWithValues: names.map { ($0.key.rawValue, $0.value) }))
  }
}
