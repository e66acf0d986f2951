import LockstepSettings

/// Writes a tree of settings as YAML: sections as blocks, lists in brackets, and, if given the
/// descriptions of the keys, a comment over each key that says what it is.
package struct YAMLWriter {
  /// Columns of a line of comment.
  private static let width = 96

  private let descriptions: [KeyDescription]

  /// - Parameter descriptions: Of all keys, for the comments; none for a text without comments.
  package init(commentsFrom descriptions: [KeyDescription] = []) {
    self.descriptions = descriptions
  }

  /// The text of a map; anything else is a line of its own.
  package func write(_ tree: SettingNode) -> String {
    guard let entries = tree.entries else { return Self.inline(tree) + "\n" }
    return block(entries, in: tree, at: descriptions, indent: "")
  }

  private func block(
    _ entries: [SettingNode.Entry], in tree: SettingNode, at keys: [KeyDescription], indent: String
  ) -> String {
    var text = ""
    for (index, entry) in entries.enumerated() {
      let description = keys.description(at: entry.key, in: tree)
      if let description {
        if index > 0, indent.isEmpty { text += "\n" }
        text += comment(on: description, value: entry.value, indent: indent)
      }
      if let below = entry.value.entries, !below.isEmpty {
        text += "\(indent)\(Self.quotedIfNeeded(entry.key)):\n"
        text += block(
          below, in: entry.value, at: description?.children ?? [], indent: indent + "  ")
      } else {
        text += "\(indent)\(Self.quotedIfNeeded(entry.key)): \(Self.inline(entry.value))\n"
      }
    }
    return text
  }

  /// Meaning, type and range, and the default where the value is another.
  private func comment(
    on description: KeyDescription, value: SettingNode, indent: String
  ) -> String {
    var sentences = [description.documentation]
    if !description.isSection {
      let choices = description.choices.map(\.name)
      if choices.isEmpty {
        sentences.append(description.expectation.capitalizedFirst + ".")
      } else if choices.count > 1 {
        sentences.append("One of \(choices.joined(separator: ", ")).")
      }
      if value != description.defaultValue {
        sentences.append("Default: \(Self.inline(description.defaultValue)).")
      }
    }
    return Self.wrapped(sentences.joined(separator: " "), prefix: indent + "# ")
  }

  private static func wrapped(_ text: String, prefix: String) -> String {
    var lines: [String] = []
    for word in text.split(separator: " ") {
      if let last = lines.last, prefix.count + last.count + 1 + word.count <= width {
        lines[lines.count - 1] = "\(last) \(word)"
      } else {
        lines.append(String(word))
      }
    }
    return lines.map { "\(prefix)\($0)\n" }.joined()
  }

  /// A value on one line.
  package static func inline(_ node: SettingNode) -> String {
    switch node.content {
    case .null: "null"
    // What was plain in a block may be a list in brackets. It is no number then, so that quotes alter nothing.
    case .plain(let characters): isWord(characters) ? characters : quoted(characters)
    case .text(let characters): quotedIfNeeded(characters)
    case .list(let nodes): "[" + nodes.map(inline).joined(separator: ", ") + "]"
    case .map(let entries):
      "{"
        + entries.map { "\(quotedIfNeeded($0.key)): \(inline($0.value))" }
        .joined(separator: ", ") + "}"
    }
  }

  /// Text as a plain scalar where no reader of YAML takes it for anything else.
  private static func quotedIfNeeded(_ text: String) -> String {
    let startsWell = text.first.map { $0.isLetter || $0.isNumber || "_./".contains($0) } ?? false
    let words = ["null", "true", "false", "yes", "no", "on", "off", "y", "n"]
    let means = words.contains(text.lowercased()) || isNumeric(text)
    return isWord(text) && startsWell && !means ? text : quoted(text)
  }

  /// Whether there are only characters that mean nothing to YAML, wherever they stand in a word.
  private static func isWord(_ text: String) -> Bool {
    text.allSatisfy { character in
      character.isASCII
        && (character.isLetter || character.isNumber || "_-./+@".contains(character))
    }
  }

  private static func quoted(_ text: String) -> String {
    "\"" + text.unicodeScalars.map(escaped).joined() + "\""
  }

  private static func isNumeric(_ text: String) -> Bool {
    text.first.map { $0.isNumber || $0 == "." } ?? false
      && text.allSatisfy { $0.isHexDigit || "xXoO.+-_eE".contains($0) }
  }

  private static func escaped(_ scalar: Unicode.Scalar) -> String {
    switch scalar {
    case "\"": return "\\\""
    case "\\": return "\\\\"
    case "\n": return "\\n"
    case "\t": return "\\t"
    case _ where isEscaped(scalar):
      let digits = String(scalar.value, radix: 16, uppercase: true)
      return "\\U" + String(repeating: "0", count: 8 - digits.count) + digits
    default: return String(scalar)
    }
  }

  /// Whether a character would not be read as it is: readers of YAML refuse control characters and those that are none,
  /// and drop blanks around what ends a line or a paragraph.
  private static func isEscaped(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.properties.generalCategory {
    case .control, .lineSeparator, .paragraphSeparator: true
    default: scalar.properties.isNoncharacterCodePoint || scalar.value > 0xFFFF
    }
  }
}

extension String {
  fileprivate var capitalizedFirst: String { prefix(1).uppercased() + dropFirst() }
}
