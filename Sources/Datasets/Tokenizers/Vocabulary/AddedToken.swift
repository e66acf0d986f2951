/// A token that is looked for in a text before the rest of it is cut into tokens: an entry of
/// `added_tokens` in a `tokenizer.json`.
public struct AddedToken: Sendable, Equatable {
  /// What is looked for.
  public let content: String
  /// Whether it is a name that stands for no text, such as `<|endoftext|>`.
  public var isSpecial = true
  /// Whether it is found only where no word goes on before or behind it.
  public var isSingleWord = false
  /// Whether it takes the white space before it.
  public var stripsLeft = false
  /// Whether it takes the white space behind it.
  public var stripsRight = false
  /// Whether it is looked for after normalisation, and itself normalised (``TextNormalizer``). Such
  /// tokens are looked for only where none of the others are.
  public var isNormalized = false

  /// A special token that is looked for wherever it stands.
  public init(_ content: String) {
    self.content = content
  }

  /// The flags by their names in a `tokenizer.json`.
  static let flags: [(name: String, path: WritableKeyPath<AddedToken, Bool> & Sendable)] = [
    ("single_word", \.isSingleWord), ("lstrip", \.stripsLeft), ("rstrip", \.stripsRight),
    ("normalized", \.isNormalized), ("special", \.isSpecial),
  ]
}
