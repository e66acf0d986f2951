extension Tokenizer {
  /// Encodes a text as an input of a model: with what the template puts around it, and cut at its limit.
  ///
  /// - Parameter special: What names of special tokens in the text are. Default: these tokens.
  /// - Throws: `TokenizerError` if the vocabulary cannot express the text.
  public func encodeInput(
    _ text: String, special: SpecialTokens = .token
  ) throws(TokenizerError) -> InputTokens {
    let tokens = try encode(text, special: special)
    let limit = template.limit.map { max(0, $0 - template.single.count + 1) }
    return assembled(template.single, tokens.prefix(limit ?? tokens.count), [])
  }

  /// Encodes a text as an input of a model that takes so many tokens, whatever the template's own limit is: a
  /// longer text is cut, and what stands around it is not.
  ///
  /// - Parameter limit: The most tokens.
  /// - Throws: `TokenizerError` if the vocabulary cannot express the text.
  public func encodeInput(
    _ text: String, limit: Int, special: SpecialTokens = .token
  ) throws(TokenizerError) -> (tokens: [Int32], isCut: Bool) {
    let tokens = try encode(text, special: special)
    let (prefix, suffix) = (template.prefix, template.suffix)
    let room = max(0, limit - prefix.count - suffix.count)
    return (
      Array((prefix + tokens.prefix(room) + suffix).prefix(limit)), tokens.count > room
    )
  }

  /// Encodes two texts as one input of a model.
  ///
  /// Where they are too long together, the longer one is cut first.
  ///
  /// - Throws: `TokenizerError` if the vocabulary cannot express them.
  public func encodeInput(
    _ text: String, _ second: String, special: SpecialTokens = .token
  ) throws(TokenizerError) -> InputTokens {
    let (tokens, others) = (
      try encode(text, special: special), try encode(second, special: special)
    )
    var (count, otherCount) = (tokens.count, others.count)
    if let limit = template.limit.map({ max(0, $0 - template.pair.count + 2) }) {
      (count, otherCount) = Self.shares(of: limit, count, otherCount)
    }
    return assembled(template.pair, tokens.prefix(count), others.prefix(otherCount))
  }

  /// Encodes a text that is to be continued: with what the template puts before it, unless it begins with
  /// that itself, and nothing behind it.
  ///
  /// - Throws: `TokenizerError` if the vocabulary cannot express the text.
  public func encodePrompt(
    _ text: String, special: SpecialTokens = .token
  ) throws(TokenizerError) -> [Int32] {
    let tokens = try encode(text, special: special)
    let prefix = template.prefix
    return tokens.starts(with: prefix) ? tokens : prefix + tokens
  }

  private func assembled(
    _ pieces: [TextTemplate.Piece], _ first: ArraySlice<Int32>, _ second: ArraySlice<Int32>
  ) -> InputTokens {
    var input = InputTokens()
    for piece in pieces {
      let count = input.tokens.count
      switch piece {
      case .text: input.tokens += first
      case .second: input.tokens += second
      case .token(let id, _): input.tokens.append(id)
      }
      input.segments += Array(repeating: piece.segment, count: input.tokens.count - count)
    }
    return input
  }

  /// How many tokens two texts keep of a limit, as Hugging Face's `longest_first` has it.
  private static func shares(of limit: Int, _ first: Int, _ second: Int) -> (Int, Int) {
    guard first + second > limit else { return (first, second) }
    let shorter = min(first, second)
    var (small, large) = (shorter, shorter > limit ? shorter : max(shorter, limit - shorter))
    if small + large > limit {
      small = limit / 2
      large = small + limit % 2
    }
    return first <= second ? (small, large) : (large, small)
  }
}
