extension String {
  /// The text with its control characters written out: ESC as `\u{1B}`.
  ///
  /// What comes from files, names of files among it, may hold sequences that rewrite a terminal's screen
  /// or its title. In messages they are shown, not sent. Line ends and tabs stay; so do all other
  /// characters, but those that change the direction of the text around them.
  package var visible: String {
    guard unicodeScalars.contains(where: \.isInvisibleControl) else { return self }
    return unicodeScalars.reduce(into: "") { text, scalar in
      if scalar.isInvisibleControl {
        text += "\\u{" + String(scalar.value, radix: 16, uppercase: true) + "}"
      } else {
        text.unicodeScalars.append(scalar)
      }
    }
  }
}

extension Unicode.Scalar {
  /// Control characters of ASCII and of Latin-1, and directional overrides.
  fileprivate var isInvisibleControl: Bool {
    switch value {
    case 0x09, 0x0A: false
    case ..<0x20, 0x7F..<0xA0, 0x202A...0x202E, 0x2066...0x2069: true
    default: false
    }
  }
}
