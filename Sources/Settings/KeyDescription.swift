/// What is known of one key: the source of messages, of the comments of a written configuration
/// and of the documentation.
public struct KeyDescription: Sendable {
  /// The choice under which a key exists at all, such as `name: adamw`.
  public struct Condition: Sendable, Equatable, CustomStringConvertible {
    public let selector: String
    public let choice: String

    public var description: String { "\(selector): \(choice)" }
  }

  public let key: String
  /// Type and range in words: `a whole number from 1 to 4096`.
  public let expectation: String
  /// One sentence or a few, with units.
  public let documentation: String
  /// The value where the key is not written.
  public let defaultValue: SettingNode
  public let choices: [ChoiceDescription]
  /// The outermost values that are allowed, and the nearest ones that are not.
  public var ends: SettingEnds { makeEnds() }
  let makeEnds: @Sendable () -> SettingEnds
  /// Whether the key takes part in deciding a run's parameters, bit for bit.
  public let decidesResult: Bool
  /// The key below this one whose value may be written in place of them all; nil: there is none.
  public let shorthandKey: String?
  /// The keys below this one, or of each element of a list; empty for scalars and lists of scalars.
  public let children: [KeyDescription]
  /// Under which choice the key exists; nil if always.
  public internal(set) var condition: Condition?

  /// Whether it takes nothing but keys below it. A key with a shorthand takes a scalar, too.
  public var isSection: Bool { !children.isEmpty && defaultValue.scalar == nil }
}

extension [KeyDescription] {
  /// The full path of the first key, here or below, of which `name` is a spelling; nil where there
  /// is none.
  func path(ofKeyNamed name: String) -> String? {
    for description in self {
      if Suggestion.isSpelling(name, of: description.key) { return description.key }
      if let below = description.children.path(ofKeyNamed: name) {
        return "\(description.key).\(below)"
      }
    }
    return nil
  }

  /// Why the key at a path is unknown, where it belongs to other choices of a section on the way to it
  /// than the one made; nil where no choice has it.
  ///
  /// - Parameters:
  ///   - names: The keys on the way, the last one of the unknown key.
  ///   - tree: What was written at this level.
  func otherChoice(
    holding names: ArraySlice<String>, in tree: SettingNode
  ) -> Violation.Problem? {
    guard let name = names.first, names.count > 1 else { return nil }
    let (below, rest) = (tree[name] ?? SettingNode(.null), names.dropFirst())
    let sections = filter { $0.key == name }
    let owners = sections.filter { $0.children.hold(rest) }.compactMap(\.condition)
    if let selector = owners.first?.selector,
      let chosen = tree[selector]?.scalar
        ?? first(where: { $0.key == selector })?.defaultValue.scalar,
      !owners.contains(where: { $0.choice == chosen })
    {
      return .keyOfOtherChoice(
        selector: selector, chosen: chosen, owners: owners.map(\.choice))
    }
    return sections.lazy.compactMap { $0.children.otherChoice(holding: rest, in: below) }.first
  }

  private func hold(_ names: ArraySlice<String>) -> Bool {
    guard let name = names.first else { return true }
    return contains { $0.key == name && ($0.children.hold(names.dropFirst())) }
  }

  /// The description under a dotted path, in the tree of one configuration: where a key exists
  /// under several choices, the one that holds in `tree`.
  public func description(at path: String, in tree: SettingNode) -> KeyDescription? {
    let parts = path.split(separator: ".", maxSplits: 1).map(String.init)
    guard let key = parts.first else { return nil }
    let description = first { candidate in
      guard candidate.key == key else { return false }
      guard let condition = candidate.condition else { return true }
      return tree[condition.selector]?.scalar == condition.choice
    }
    guard parts.count > 1 else { return description }
    return description?.children.description(
      at: parts[1], in: tree[key] ?? SettingNode(.null))
  }
}
