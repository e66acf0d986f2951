/// Texts and their translations, as tokens: two token files that hold equally many texts, each of which
/// ends with the end-of-text token.
///
/// Where the texts begin is found once, when the files are opened; any text is then at hand at once.
public struct PairFile: Sendable {
  public let source: TokenFile
  public let target: TokenFile
  /// The token that ends a text, and says "begin" to a decoder.
  public let endOfText: Int32
  /// Text i of a file is tokens starts[i] ..< starts[i + 1], its end included.
  private let sourceStarts: [Int32]
  private let targetStarts: [Int32]

  /// - Parameters:
  ///   - source: The texts to be translated.
  ///   - target: Their translations.
  ///   - endOfText: The token that ends a text.
  /// - Throws: `PairError` where the files do not belong together.
  public init(source: TokenFile, target: TokenFile, endOfText: Int32) throws(PairError) {
    self.source = source
    self.target = target
    self.endOfText = endOfText
    sourceStarts = try source.textStarts(endOfText: endOfText)
    targetStarts = try target.textStarts(endOfText: endOfText)
    guard sourceStarts.count == targetStarts.count else {
      throw .unequalCounts(
        source: source.path, sourceCount: sourceStarts.count - 1, target: target.path,
        targetCount: targetStarts.count - 1)
    }
    guard count > 0 else { throw .noPairs(source: source.path, target: target.path) }
  }

  /// How many pairs there are.
  public var count: Int { sourceStarts.count - 1 }

  /// Tokens of both texts of a pair, ends included.
  public func lengths(of pair: Int) -> (source: Int, target: Int) {
    let (source, target) = ranges(of: pair)
    return (source.count, target.count)
  }

  /// Where both texts of a pair are in their files, ends included.
  func ranges(of pair: Int) -> (source: Range<Int>, target: Range<Int>) {
    (
      Int(sourceStarts[pair])..<Int(sourceStarts[pair + 1]),
      Int(targetStarts[pair])..<Int(targetStarts[pair + 1])
    )
  }

  /// The tokens of both texts of a pair, ends included.
  public subscript(pair: Int) -> (source: [Int32], target: [Int32]) {
    let (source, target) = ranges(of: pair)
    return (self.source.tokens(source), self.target.tokens(target))
  }

  /// Tokens of a text, on average over the pairs that fit a context; 0 where none does.
  package func meanLength(fitting context: Int) -> Int {
    let fitting = pairs(fitting: context)
    let tokens = fitting.reduce(0) {
      let (source, target) = lengths(of: Int($1))
      return $0 + source + target
    }
    return tokens / max(1, 2 * fitting.count)
  }

  /// The pairs of which neither text is longer than `context` tokens, end included; in order.
  public func pairs(fitting context: Int) -> [Int32] {
    (0..<Int32(count)).filter {
      let (source, target) = lengths(of: Int($0))
      return source <= context && target <= context
    }
  }
}

extension TokenFile {
  /// Where each text begins, and where the last one ends.
  fileprivate func textStarts(endOfText: Int32) throws(PairError) -> [Int32] {
    var starts: [Int32] = [0]
    for start in stride(from: 0, to: count, by: 1 << 16) {
      let piece = tokens(start..<min(count, start + 1 << 16))
      for (place, token) in piece.enumerated() where token == endOfText {
        starts.append(Int32(start + place + 1))
      }
    }
    guard starts.last.map(Int.init) == count else { throw .noEnd(path: path) }
    return starts
  }
}
