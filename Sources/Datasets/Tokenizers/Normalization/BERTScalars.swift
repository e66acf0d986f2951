/// The classes of scalars that BERT's tokenizer asks for, as Hugging Face's `tokenizers` has them.
struct BERTScalars: Sendable {
  private let removed: ScalarRanges
  private let accents: ScalarRanges
  private let punctuation: ScalarRanges

  init() {
    let ranges = BERTRanges()
    removed = ScalarRanges(ranges.removed)
    accents = ScalarRanges(ranges.accents)
    punctuation = ScalarRanges(ranges.punctuation)
  }

  /// Whether cleaning takes it away: control and format characters, those of private use, U+FFFD.
  func isRemoved(_ scalar: UInt32) -> Bool { removed.contains(scalar) }

  /// Whether it is a mark that takes no space of its own.
  func isAccent(_ scalar: UInt32) -> Bool { accents.contains(scalar) }

  /// Whether it is a word by itself: punctuation, and of ASCII the symbols, too.
  func isPunctuation(_ scalar: UInt32) -> Bool { punctuation.contains(scalar) }

  /// Whether it is one of the blocks of Chinese characters that there were when BERT was made.
  static func isIdeograph(_ scalar: UInt32) -> Bool {
    switch scalar {
    case 0x4E00...0x9FFF, 0x3400...0x4DBF, 0xF900...0xFAFF, 0x20000...0x2A6DF, 0x2A700...0x2B73F,
      0x2B740...0x2B81F, 0x2B920...0x2CEAF, 0x2F800...0x2FA1F:
      true
    default: false
    }
  }
}

/// Ranges of scalars, in order.
struct ScalarRanges: Sendable {
  private let lower: [UInt32]
  private let upper: [UInt32]

  /// - Parameter text: Ranges in hexadecimal, "41 61-7A", ascending, between white space.
  init(_ text: String) {
    let ranges = text.split(whereSeparator: \.isWhitespace).compactMap { range in
      let ends = range.split(separator: "-").compactMap { UInt32($0, radix: 16) }
      return ends.first.map { (lower: $0, upper: ends.last ?? $0) }
    }
    lower = ranges.map(\.lower)
    upper = ranges.map(\.upper)
  }

  func contains(_ scalar: UInt32) -> Bool {
    var (low, high) = (0, lower.count)
    while low < high {
      let middle = (low + high) / 2
      if upper[middle] < scalar { low = middle + 1 } else { high = middle }
    }
    return low < lower.count && lower[low] <= scalar
  }
}
