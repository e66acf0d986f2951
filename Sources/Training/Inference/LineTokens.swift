import LockstepDatasets
import LockstepSettings
import LockstepTensors

/// Reads lines of text as a model does: white space around them is left away, and what is too long is cut.
struct LineTokens {
  let tokenizer: any Tokenizer
  /// The most tokens of a line, what stands around it included.
  let limit: Int
  /// What names of special tokens in the lines are.
  let special: SpecialTokens

  /// A line as the model reads it.
  struct Line {
    let tokens: [Int32]
    /// Whether it is longer than can be read.
    let isCut: Bool
    /// Whether it has nothing but white space.
    let isBlank: Bool
  }

  /// - Parameters:
  ///   - bytes: UTF-8; what is not becomes U+FFFD.
  ///   - line: Its number, for errors.
  /// - Throws: `LineError`.
  func tokens(of bytes: [UInt8], line: Int) throws(LineError) -> Line {
    let text = String(decoding: bytes, as: UTF8.self)
    let scalars = text.unicodeScalars
    let isSpace = { (scalar: Unicode.Scalar) in scalar.properties.isWhitespace }
    let begin = scalars.firstIndex { !isSpace($0) } ?? scalars.endIndex
    let end = scalars.lastIndex { !isSpace($0) }.map(scalars.index(after:)) ?? begin
    do throws(TokenizerError) {
      let input = try tokenizer.encodeInput(
        String(scalars[begin..<end]), limit: limit, special: special)
      return Line(tokens: input.tokens, isCut: input.isCut, isBlank: begin == end)
    } catch {
      throw LineError(line: line, error)
    }
  }

  /// A text as it is, white space around it included.
  func tokens(of text: String) throws(TokenizerError) -> Line {
    let input = try tokenizer.encodeInput(text, limit: limit, special: special)
    return Line(
      tokens: input.tokens, isCut: input.isCut, isBlank: text.allSatisfy(\.isWhitespace))
  }

  /// Texts as a rectangle, zeros behind those that are shorter than the longest.
  static func rectangle(_ texts: [[Int32]]) -> (tokens: Indices, lengths: [Int]) {
    let positions = texts.map(\.count).max() ?? 0
    let rows = texts.flatMap { $0 + [Int32](repeating: 0, count: positions - $0.count) }
    return (Indices(rows, shape: [texts.count, positions]), texts.map(\.count))
  }
}

/// A line that a model's tokenizer can not express.
public struct LineError: UserInputError, Equatable {
  /// From 1.
  public let line: Int
  private let reason: String

  init(line: Int, _ error: TokenizerError) {
    self.line = line
    reason = "\(error)"
  }

  public var description: String { "line \(line): \(reason)" }
}
