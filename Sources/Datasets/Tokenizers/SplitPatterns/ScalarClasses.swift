/// What GPT-2's pattern asks about a Unicode scalar.
package enum ScalarClass: UInt8, Sendable {
  /// Neither of the others: `[^\s\p{L}\p{N}]`. Bytes that are no UTF-8 count as this.
  case other
  /// `\p{L}`: general categories Lu, Ll, Lt, Lm, Lo.
  case letter
  /// `\p{N}`: general categories Nd, Nl, No.
  case number
  /// `\s`: the property White_Space.
  case whitespace
}

/// The classes of all scalars: a table where most text lives, the standard library elsewhere.
package struct ScalarClasses: Sendable {
  /// Scalars below this one are in the table: all alphabets, kana and CJK punctuation.
  package static let tableCount = 0x3400

  /// The classes of the scalars below ``tableCount``.
  package let table: [ScalarClass]

  package init() {
    table = (0..<UInt32(Self.tableCount)).map { value in
      Unicode.Scalar(value).map(Self.classify) ?? .other
    }
  }

  /// The class of a scalar that is not in the table.
  package static func beyondTable(_ value: UInt32) -> ScalarClass {
    switch value {
    case 0x3400...0x4DBF, 0x4E00...0x9FFF, 0xAC00...0xD7A3:
      .letter  // CJK ideographs and Hangul syllables: long runs, so worth not looking up
    default:
      Unicode.Scalar(value).map(classify) ?? .other
    }
  }

  private static func classify(_ scalar: Unicode.Scalar) -> ScalarClass {
    if scalar.properties.isWhitespace { return .whitespace }
    switch scalar.properties.generalCategory {
    case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter:
      return .letter
    case .decimalNumber, .letterNumber, .otherNumber:
      return .number
    default:
      return .other
    }
  }
}
