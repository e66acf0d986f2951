/// What the names of special tokens are where a text has them.
public enum SpecialTokens: String, Sendable, Codable, CaseIterable {
  /// The tokens of these names, as Hugging Face's `tokenizers` reads them.
  case token
  /// Text, which is spelled out: what strangers write can not pose as a special token. The library's
  /// `encode_special_tokens = True`.
  case text
}
