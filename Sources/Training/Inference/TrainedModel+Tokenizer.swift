import LockstepDatasets

extension TrainedModel {
  /// The tokenizer of a `tokenizer.json`, a run, a checkpoint, or a model; no tensor is read.
  ///
  /// - Throws: `TokenizerError`, `LoadingError`.
  public static func tokenizer(at path: String) throws -> any Tokenizer {
    if path.hasSuffix(".json") {
      let tokenizer = try TokenizerFile.load(path)
      _ = try TextConventions(beside: path, tokenizer)
      return tokenizer
    }
    return try ModelPlace.reading(path, threads: .ofThisProcess) { place, _ in
      let description = try ModelDescription(at: place)
      guard let tokenizer = description.tokenizer else {
        throw LoadingError.noTokenizer(path: description.path)
      }
      return tokenizer
    }
  }
}
