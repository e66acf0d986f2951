/// Where a piece of text stands in the text that is encoded.
public enum TextPlace: Sendable {
  /// The beginning of the text.
  case start
  /// Behind an added token.
  case afterToken
  /// Behind text from which it was cut, with which it goes on.
  case continued
}
