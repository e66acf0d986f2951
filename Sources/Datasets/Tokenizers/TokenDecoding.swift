/// How tokens become text.
public enum TokenDecoding: Sendable, Equatable {
  /// Their bytes, one after the other.
  case bytes
  /// Their bytes; a space at the very beginning is none of the text's, as in Llama 2.
  case withoutFirstSpace
  /// Words with a space before each, but for tokens with the prefix, which go on with a word, and those that
  /// `joinsPunctuation` puts close to the word before: `. ? ! ,` and English short forms, as BERT does.
  case words(prefix: String, joinsPunctuation: Bool)

  /// Appends what a token adds to a text.
  ///
  /// - Parameters:
  ///   - token: The token's bytes in the vocabulary.
  ///   - isFirst: Whether the text begins with it.
  func append(_ token: ArraySlice<UInt8>, isFirst: Bool, to text: inout [UInt8]) {
    switch self {
    case .bytes: text.append(contentsOf: token)
    case .withoutFirstSpace:
      let dropsSpace = isFirst && token.first == UInt8(ascii: " ")
      text.append(contentsOf: dropsSpace ? token.dropFirst() : token)
    case .words(let prefix, let joinsPunctuation):
      var piece = token
      if !isFirst {
        piece =
          token.starts(with: prefix.utf8)
          ? token.dropFirst(prefix.utf8.count) : [UInt8(ascii: " ")] + token
      }
      if joinsPunctuation { piece = Self.joined(piece) }
      text.append(contentsOf: piece)
    }
  }

  /// What `clean_up_tokenization_spaces` makes of one token with its space, of which it looks for these.
  private static let spaced: [(found: [UInt8], result: [UInt8])] = [
    (" .", "."), (" ?", "?"), (" !", "!"), (" ,", ","), (" ' ", "'"), (" n't", "n't"),
    (" 'm", "'m"),
    (" do not", " don't"), (" 's", "'s"), (" 've", "'ve"), (" 're", "'re"),
  ].map { (Array($0.0.utf8), Array($0.1.utf8)) }

  private static func joined(_ piece: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
    guard piece.contains(UInt8(ascii: " ")) else { return piece }
    var piece = piece
    for (found, result) in spaced {
      var kept: [UInt8] = []
      var rest = piece
      while !rest.isEmpty {
        if rest.starts(with: found) {
          kept += result
          rest = rest.dropFirst(found.count)
        } else {
          kept.append(rest[rest.startIndex])
          rest = rest.dropFirst()
        }
      }
      piece = kept[...]
    }
    return piece
  }
}
