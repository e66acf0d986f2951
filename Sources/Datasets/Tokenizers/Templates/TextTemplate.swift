/// What stands around a text, or a pair of texts, that is an input of a model: `[CLS] text [SEP]`,
/// `<s> text`.
///
/// It is no part of encoding: documents to learn from are encoded without it
/// (``Tokenizer/encode(_:special:)-(String,_)``), inputs with it (``Tokenizer/encodeInput(_:special:)``), and
/// a text that is to be continued with what stands before it (``Tokenizer/encodePrompt(_:special:)``).
public struct TextTemplate: Sendable, Equatable {
  /// A part of an input.
  public enum Piece: Sendable, Equatable {
    /// The first text.
    case text(segment: Int32)
    /// The second text of a pair.
    case second(segment: Int32)
    /// A token.
    case token(Int32, segment: Int32)

    /// Which of a pair's texts the model takes it for, from 0.
    public var segment: Int32 {
      switch self {
      case .text(let segment), .second(let segment), .token(_, let segment): segment
      }
    }

    var token: Int32? {
      if case .token(let id, _) = self { id } else { nil }
    }
  }

  /// Of one text, which is among the pieces once. Default: nothing but the text.
  public let single: [Piece]
  /// Of two texts, each of which is among the pieces once. Default: one behind the other.
  public let pair: [Piece]
  /// The most tokens of an input, those of the template among them; nil: there is no limit.
  public let limit: Int?

  public init(
    single: [Piece] = [.text(segment: 0)],
    pair: [Piece] = [.text(segment: 0), .second(segment: 1)], limit: Int? = nil
  ) {
    self.single = single
    self.pair = pair
    self.limit = limit
  }

  /// Of tokens before and behind each text, as BERT's and Llama's are.
  ///
  /// - Parameters:
  ///   - beginning: Before the first text; nil: nothing.
  ///   - end: Behind each text; nil: nothing.
  ///   - repeatsBeginning: Whether it stands before the second text of a pair, too.
  init(beginning: Int32?, end: Int32?, repeatsBeginning: Bool) {
    func token(_ id: Int32?, _ segment: Int32) -> [Piece] {
      id.map { [.token($0, segment: segment)] } ?? []
    }
    let first = token(beginning, 0) + [.text(segment: 0)] + token(end, 0)
    self.init(
      single: first,
      pair: first + (repeatsBeginning ? token(beginning, 1) : []) + [.second(segment: 1)]
        + token(end, 1))
  }

  /// Whether it adds nothing, and cuts nothing.
  public var isEmpty: Bool { self == TextTemplate() }

  /// The tokens before a single text.
  public var prefix: [Int32] {
    single.prefix { $0.token != nil }.compactMap(\.token)
  }

  /// The tokens behind a single text.
  public var suffix: [Int32] {
    single.drop { $0.token != nil }.compactMap(\.token)
  }
}

/// The tokens of an input of a model.
public struct InputTokens: Sendable, Equatable {
  public var tokens: [Int32] = []
  /// Which of a pair's texts each token belongs to, from 0: BERT's token types.
  public var segments: [Int32] = []

  public init() {}
}
