/// How much room texts take in a terminal, whose rows are not counted in characters: those of East Asia and
/// pictures take two columns, accents none.
extension Character {
  /// Columns of a terminal, at most as many as one that adds up scalars gives it.
  fileprivate var columns: Int {
    unicodeScalars.reduce(0) { $0 + $1.columns }
  }
}

extension Unicode.Scalar {
  /// Whole blocks that are wide by Unicode's East Asian Width; single ones beside these are pictures.
  private static let wide: [ClosedRange<UInt32>] = [
    0x1100...0x115F, 0x2329...0x232A, 0x2E80...0x303E, 0x3040...0x3247, 0x3250...0x4DBF,
    0x4E00...0xA4CF, 0xA960...0xA97F, 0xAC00...0xD7A3, 0xF900...0xFAFF, 0xFE10...0xFE19,
    0xFE30...0xFE6F, 0xFF01...0xFF60, 0xFFE0...0xFFE6, 0x16FE0...0x18DFF, 0x1AFF0...0x1B2FF,
    0x1F200...0x1F265, 0x20000...0x3FFFD,
  ]

  fileprivate var columns: Int {
    switch value {
    case 0x20..<0x7F: return 1
    case 0x09: return 8
    // It makes a picture of the sign in front of it.
    case 0xFE0F: return 1
    // Vowels and ends of Korean syllables, which stand within them; of a flag each half.
    case 0x1160...0x11FF, 0xD7B0...0xD7FF: return 0
    case 0x1F1E6...0x1F1FF: return 1
    default: break
    }
    switch properties.generalCategory {
    case .nonspacingMark, .enclosingMark, .format: return 0
    default: break
    }
    return properties.isEmojiPresentation || Self.wide.contains { $0.contains(value) } ? 2 : 1
  }
}

extension StringProtocol {
  /// Columns of a terminal that the text takes.
  package var columns: Int {
    // Most texts are plain, and long tables have many of them.
    utf8.allSatisfy { (0x20..<0x7F).contains($0) } ? utf8.count : reduce(0) { $0 + $1.columns }
  }

  /// As much of the text as so many columns hold.
  package func prefix(columns: Int) -> String {
    var room = columns
    return String(
      prefix {
        room -= $0.columns
        return room >= 0
      })
  }
}

extension String {
  /// With spaces in front, up to so many columns.
  package func leftPadded(to width: Int) -> String {
    String(repeating: " ", count: Swift.max(0, width - columns)) + self
  }

  /// With spaces behind, up to so many columns.
  package func rightPadded(to width: Int) -> String {
    self + String(repeating: " ", count: Swift.max(0, width - columns))
  }
}
