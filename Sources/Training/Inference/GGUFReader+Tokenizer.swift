import LockstepDatasets
import LockstepWeights

extension GGUFReader {
  /// The tokenizer that the file describes; nil where it has none.
  ///
  /// - Throws: `TokenizerError`.
  func tokenizer() throws(TokenizerError) -> (any Tokenizer)? {
    nil
  }
}
