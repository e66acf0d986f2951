/// How BLEU cuts a line into words, named as in sacrebleu (Post, 2018).
public enum WordTokenization: String, Sendable, CaseIterable {
  /// mteval-v13a's: punctuation and symbols of ASCII stand alone, but for points, commas and hyphens
  /// inside of numbers; the entities `&quot; &amp; &lt; &gt;` are what they stand for.
  case thirteenA = "13a"
  /// mteval-v14's: all punctuation and symbols of Unicode stand alone, but for punctuation inside of
  /// numbers.
  case international = "intl"
  /// Every character is a word.
  case characters = "char"
  /// Words are what white space separates.
  case none

  /// The words of a line.
  public func words(_ line: String) -> [String] {
    words(scalars: line).map { word in
      var text = String.UnicodeScalarView()
      text.append(contentsOf: word)
      return String(text)
    }
  }

  func words(scalars line: String) -> [ArraySlice<Unicode.Scalar>] {
    // White space at the end is gone first: punctuation before it is the end of the line.
    let all = Array(line.unicodeScalars)
    let scalars = Array(all[..<((all.lastIndex { !$0.separates } ?? -1) + 1)])
    return switch self {
    case .thirteenA: Self.thirteenA(scalars).words
    case .international: Self.international(scalars).words
    case .characters: scalars.words.flatMap { word in word.indices.map { word[$0...$0] } }
    case .none: scalars.words
    }
  }

  private static func thirteenA(_ line: [Unicode.Scalar]) -> [Unicode.Scalar] {
    var text = line
    let replacements = [
      ("<skipped>", ""), ("-\n", ""), ("\n", " "), ("&quot;", "\""), ("&amp;", "&"), ("&lt;", "<"),
      ("&gt;", ">"),
    ]
    for (old, new) in replacements {
      text = text.replacing(Array(old.unicodeScalars), with: Array(new.unicodeScalars))
    }
    return ([" "] + text + [" "])
      .spaced { $0.isSymbolOfThirteenA }
      .spaced(after: true) { !$0.isDigit && ($1 == "." || $1 == ",") }
      .spaced(after: false) { ($0 == "." || $0 == ",") && !$1.isDigit }
      .spaced(after: true) { $0.isDigit && $1 == "-" }
  }

  private static func international(_ line: [Unicode.Scalar]) -> [Unicode.Scalar] {
    line
      .spaced(after: true) { !$0.isNumber && $1.isPunctuation }
      .spaced(after: false) { $0.isPunctuation && !$1.isNumber }
      .spaced { $0.isSymbol }
  }
}

extension [Unicode.Scalar] {
  /// What white space separates.
  var words: [ArraySlice<Unicode.Scalar>] { split(whereSeparator: \.separates) }

  /// The scalars with a space on both sides of some.
  fileprivate func spaced(where stands: (Unicode.Scalar) -> Bool) -> [Unicode.Scalar] {
    flatMap { stands($0) ? [" ", $0, " "] : [$0] }
  }

  /// With a space within some pairs of neighbours, and one more behind the pair or before it. Pairs are
  /// found from the left and do not overlap.
  fileprivate func spaced(
    after: Bool, where parts: (Unicode.Scalar, Unicode.Scalar) -> Bool
  ) -> [Unicode.Scalar] {
    var result: [Unicode.Scalar] = []
    result.reserveCapacity(count + 16)
    var place = 0
    while place < count {
      guard place + 1 < count, parts(self[place], self[place + 1]) else {
        result.append(self[place])
        place += 1
        continue
      }
      let pair: [Unicode.Scalar] = [self[place], " ", self[place + 1]]
      result += after ? pair + [" "] : [" "] + pair
      place += 2
    }
    return result
  }
}

extension Unicode.Scalar {
  /// White space as Python's `str.split` has it: Unicode's, and the four separators of ASCII.
  var separates: Bool { properties.isWhitespace || "\u{1C}"..."\u{1F}" ~= self }

  fileprivate var isDigit: Bool { "0"..."9" ~= self }

  /// ASCII punctuation and symbols but for ' , - and .
  fileprivate var isSymbolOfThirteenA: Bool {
    switch self {
    case "{"..."~", "["..."`", " "..."&", "("..."+", ":"..."@", "/": true
    default: false
    }
  }

  fileprivate var isNumber: Bool {
    switch properties.generalCategory {
    case .decimalNumber, .letterNumber, .otherNumber: true
    default: false
    }
  }

  fileprivate var isPunctuation: Bool {
    switch properties.generalCategory {
    case .connectorPunctuation, .dashPunctuation, .openPunctuation, .closePunctuation,
      .initialPunctuation, .finalPunctuation, .otherPunctuation:
      true
    default: false
    }
  }

  fileprivate var isSymbol: Bool {
    switch properties.generalCategory {
    case .mathSymbol, .currencySymbol, .modifierSymbol, .otherSymbol: true
    default: false
    }
  }
}
