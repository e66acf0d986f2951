import LockstepSettings

/// The tables of keys in a page of documentation, made from the declarations of the keys.
///
/// A page holds prose and, for each section of the configuration, a pair of marks:
///
///     <!-- begin keys of optimizer -->
///     <!-- end keys of optimizer -->
///
/// What stands between the marks is generated. A test compares the page with what would be
/// generated, so that no key can be undocumented and no default out of date.
public struct MarkdownReference {
  private let keys: [KeyDescription]

  /// The section name that stands for the keys that are in no section.
  public static let topLevel = "top level"

  public init(_ keys: [KeyDescription]) {
    self.keys = keys
  }

  /// The page with every table made anew.
  ///
  /// - Returns: The page, and the sections for which it has no marks.
  public func updating(_ page: String) -> (page: String, missing: [String]) {
    var page = page
    var missing: [String] = []
    for (section, text) in tables() {
      let begin = "<!-- begin keys of \(section) -->\n"
      let end = "<!-- end keys of \(section) -->"
      if let first = page.firstRange(of: begin),
        let last = page[first.upperBound...].firstRange(of: end)
      {
        page.replaceSubrange(first.upperBound..<last.lowerBound, with: "\n\(text)\n")
      } else {
        missing.append(section)
      }
    }
    return (page, missing)
  }

  /// The text for each section, the top level first.
  func tables() -> [(section: String, text: String)] {
    let top = (section: Self.topLevel, text: text(of: keys, below: nil, isFree: false))
    return [top] + sections(of: keys, below: nil, isFree: false)
  }

  private func sections(
    of keys: [KeyDescription], below path: String?, isFree: Bool
  ) -> [(section: String, text: String)] {
    let sections = keys.filter { !$0.children.isEmpty }
    return sections.map(\.key).uniqued().flatMap { key in
      let (outer, path) = (path, Self.join(path, key))
      // Several variants may have a section of the same name, each with keys of its own.
      let alike = sections.filter { $0.key == key }
      let texts = alike.map { section in
        let heading =
          alike.count == 1
          ? "" : section.condition.map { "With `\(Self.join(outer, $0.description))`:\n\n" } ?? ""
        return heading
          + text(of: section.children, below: path, isFree: isFree || !section.decidesResult)
      }
      return [(section: path, text: texts.joined(separator: "\n"))]
        + alike.flatMap {
          self.sections(of: $0.children, below: path, isFree: isFree || !$0.decidesResult)
        }
    }
  }

  private func text(of keys: [KeyDescription], below path: String?, isFree: Bool) -> String {
    let scalars = keys.filter { !$0.isSection }
    let always = scalars.filter { $0.condition == nil }
    var parts: [String] = []
    if !always.isEmpty { parts.append(table(of: always, below: path, isFree: isFree)) }
    for key in always where !key.choices.isEmpty {
      parts.append(choices(of: key, below: path))
    }
    for condition in scalars.compactMap(\.condition).uniqued() {
      let conditional = scalars.filter { $0.condition == condition }
      let selector = Self.join(path, condition.description)
      parts.append("With `\(selector)`:\n")
      parts.append(table(of: conditional, below: path, isFree: isFree))
    }
    return parts.joined(separator: "\n")
  }

  private func table(of keys: [KeyDescription], below path: String?, isFree: Bool) -> String {
    let rows = keys.map { key in
      let isFree = isFree || !key.decidesResult
      let meaning = key.documentation + (isFree ? " Free to change on resume." : "")
      let cells = [
        "`\(Self.join(path, key.key))`", "`\(Self.inline(key.defaultValue))`", key.expectation,
        meaning,
      ]
      return "| " + cells.joined(separator: " | ") + " |\n"
    }
    return "| key | default | value | meaning |\n| --- | --- | --- | --- |\n" + rows.joined()
  }

  private func choices(of key: KeyDescription, below path: String?) -> String {
    key.choices.map { "- `\(Self.join(path, key.key)): \($0.name)`: \($0.documentation)\n" }
      .joined()
  }

  private static func join(_ path: String?, _ key: String) -> String {
    [path, key].compactMap(\.self).joined(separator: ".")
  }

  private static func inline(_ node: SettingNode) -> String {
    switch node.content {
    case .null: "null"
    case .plain(let characters), .text(let characters): characters
    case .list(let nodes): "[" + nodes.map(inline).joined(separator: ", ") + "]"
    case .map(let entries):
      "{" + entries.map { "\($0.key): \(inline($0.value))" }.joined(separator: ", ") + "}"
    }
  }
}

extension Array where Element: Equatable {
  /// Each element once, in the order of first appearance.
  fileprivate func uniqued() -> Self {
    reduce(into: []) { if !$0.contains($1) { $0.append($1) } }
  }
}
