/// One node of a tree of settings, neutral of the notation that it came from.
///
/// Scalars are kept as they were written. What a plain scalar means is decided by the key's type,
/// never by the notation: `1e-3` is a number and `no` is a word, whatever YAML thinks of them.
public struct SettingNode: Sendable {
  public indirect enum Content: Sendable {
    /// Nothing was written, or `null`.
    case null
    /// An unquoted scalar, whose meaning is the key's to decide.
    case plain(String)
    /// A scalar that is certainly text, because it was quoted.
    case text(String)
    case list([SettingNode])
    /// Keys in the order written; a key may occur twice, which the reader reports.
    case map([Entry])
  }

  /// One key of a map, and its value.
  public struct Entry: Sendable {
    public var key: String
    /// Where the key was written; nil for settings that come from code.
    public var origin: SettingOrigin?
    public var value: SettingNode

    public init(_ key: String, _ value: SettingNode, origin: SettingOrigin? = nil) {
      self.key = key
      self.value = value
      self.origin = origin
    }
  }

  public var content: Content
  /// Where the value was written; nil for settings that come from code.
  public var origin: SettingOrigin?

  public init(_ content: Content, origin: SettingOrigin? = nil) {
    self.content = content
    self.origin = origin
  }

  /// The scalar's characters; nil for lists, maps and nothing.
  public var scalar: String? {
    switch content {
    case .plain(let characters), .text(let characters): characters
    case .null, .list, .map: nil
    }
  }

  /// The map's entries; nil for anything else.
  public var entries: [Entry]? {
    guard case .map(let entries) = content else { return nil }
    return entries
  }

  /// How a message calls this value: `-3`, `"fast"`, `[1, 2]`, `a map`, `nothing`.
  public var summary: String {
    switch content {
    case .null: "nothing"
    case .plain(let characters) where Self.isBare(characters): characters
    case .plain(let characters), .text(let characters):
      characters.count <= 200 ? "\"\(characters)\"" : "\"\(characters.prefix(200))…\""
    case .list(let nodes) where nodes.count <= 4 && nodes.allSatisfy { $0.scalar != nil }:
      "[" + nodes.map(\.summary).joined(separator: ", ") + "]"
    case .list(let nodes): "a list of \(nodes.count)"
    case .map: "a map"
    }
  }

  /// Numbers and truth values need no quotes in a message.
  private static func isBare(_ characters: String) -> Bool {
    characters == "true" || characters == "false" || Double(characters) != nil
  }
}

/// Equality of what is said; where it was said does not count.
extension SettingNode: Equatable {
  public static func == (left: SettingNode, right: SettingNode) -> Bool {
    switch (left.content, right.content) {
    case (.null, .null): true
    case (.plain(let left), .plain(let right)): left == right
    case (.text(let left), .text(let right)): left == right
    case (.list(let left), .list(let right)): left == right
    case (.map(let left), .map(let right)):
      left.elementsEqual(right) { $0.key == $1.key && $0.value == $1.value }
    default: false
    }
  }
}

/// Any value, as it was written: for keys whose values are another key's to judge.
extension SettingNode: SettingConvertible {
  public static var expectation: String { "any value" }

  public static func decode(
    _ node: SettingNode, over current: Self?, at path: SettingPath,
    reporting violations: inout [Violation]
  ) -> Self? { node }

  public var settingNode: SettingNode { self }
}

extension SettingNode {
  /// The value under a dotted path of keys, and the origin of its last key; nil where there is none.
  public func entry(at path: String) -> Entry? {
    let (first, rest) = Self.splitFirst(path)
    guard let entry = entries?.first(where: { $0.key == first }) else { return nil }
    guard let rest else { return entry }
    return entry.value.entry(at: rest)
  }

  /// The value under a dotted path of keys; nil where there is none.
  public subscript(path: String) -> SettingNode? { entry(at: path)?.value }

  static func splitFirst(_ path: String) -> (first: String, rest: String?) {
    guard let dot = path.firstIndex(of: ".") else { return (path, nil) }
    return (String(path[..<dot]), String(path[path.index(after: dot)...]))
  }
}
