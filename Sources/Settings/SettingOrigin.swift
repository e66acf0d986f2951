/// Where a setting was written, so that a message can send its reader there.
public struct SettingOrigin: Sendable, Hashable, CustomStringConvertible {
  /// What holds the setting: a file's path, or an option as it was typed.
  public let source: String
  /// The line in the source, from 1; nil for a source of one line.
  public let line: Int?

  public init(source: String, line: Int? = nil) {
    self.source = source
    self.line = line
  }

  /// `configs/kjv.yaml:12`, or `--set steps=0`.
  public var description: String {
    guard let line else { return source }
    return "\(source):\(line)"
  }
}

/// The place of a setting in the tree, written as users write it: `optimizer.betas[1]`.
public struct SettingPath: Sendable, Hashable, CustomStringConvertible {
  public let description: String

  /// The tree itself.
  public static let root = SettingPath(description: "")

  public init(description: String) {
    self.description = description
  }

  public var isRoot: Bool { description.isEmpty }

  /// The path of a key of the map at this path; `key` may itself be dotted.
  public func appending(_ key: String) -> SettingPath {
    SettingPath(description: isRoot ? key : "\(description).\(key)")
  }

  /// The path of an element, counted from 0, of the list at this path.
  public func appending(index: Int) -> SettingPath {
    SettingPath(description: "\(description)[\(index)]")
  }

  /// Whether this is `other`, or lies below it.
  public func isWithin(_ other: SettingPath) -> Bool {
    other.isRoot || self == other || description.hasPrefix(other.description + ".")
      || description.hasPrefix(other.description + "[")
  }
}
