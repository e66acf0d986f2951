import Foundation
import LockstepSettings

extension RunConfiguration {
  /// Reads a configuration file.
  ///
  /// - Parameters:
  ///   - path: A YAML file.
  ///   - overrides: `key.path=value`, each put over what the file says, the last one winning. The
  ///     value is YAML: a scalar, a list in brackets or a map in braces.
  ///   - ranks: The number of ranks that will run it; nil if that is not known.
  /// - Throws: `ConfigurationError` with everything that is wrong: with the file, with the
  ///   overrides, and between the configuration and the number of ranks.
  public static func load(
    path: String, overrides: [String] = [], ranks: Int? = nil
  ) throws(ConfigurationError) -> RunConfiguration {
    try parse(
      yaml: readText(path: path), source: path, overrides: overrides, ranks: ranks)
  }

  /// Reads a configuration from the text of a file that was read elsewhere: on rank zero, say.
  ///
  /// - Parameters:
  ///   - text: YAML.
  ///   - source: What messages call it: the file's path.
  ///   - overrides: As for `load`.
  ///   - ranks: As for `load`.
  /// - Throws: `ConfigurationError` with everything that is wrong.
  public static func parse(
    yaml text: String, source: String, overrides: [String] = [], ranks: Int? = nil
  ) throws(ConfigurationError) -> RunConfiguration {
    var violations: [Violation] = []
    let root = tree(yaml: text, source: source, overrides: overrides, reporting: &violations)
    guard let root else { throw ConfigurationError(violations: violations) }
    return try RunConfiguration(readFrom: root, earlier: violations, ranks: ranks)
  }

  /// The settings of a configuration file with overrides over them, as they were written.
  ///
  /// - Returns: Nil if the text is no YAML.
  package static func tree(
    yaml text: String, source: String, overrides: [String],
    reporting violations: inout [Violation]
  ) -> SettingNode? {
    let root = YAMLReader(source: source).read(text, reporting: &violations)
    guard var tree = root else { return nil }
    if case .null = tree.content {
      violations.append(
        Violation(
          .syntax("the file is empty; `task: language-modeling` is the shortest configuration"),
          at: .root, origin: SettingOrigin(source: source)))
    }
    for override in overrides { apply(override, to: &tree, reporting: &violations) }
    return tree
  }

  /// The text of a configuration file, unparsed.
  ///
  /// - Throws: `ConfigurationError` that names the path, if there is no such file or it is not
  ///   UTF-8 text.
  public static func readText(path: String) throws(ConfigurationError) -> String {
    let problem: String
    var isDirectory: ObjCBool = false
    if !FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory) {
      problem = "no such file; expected a configuration in YAML"
    } else if isDirectory.boolValue {
      problem = "a directory; expected a configuration file in YAML"
    } else if let bytes = FileManager.default.contents(atPath: path) {
      if let text = String(bytes: bytes, encoding: .utf8) { return text }
      problem = "not UTF-8 text; expected a configuration in YAML"
    } else {
      problem = "the file cannot be read: \(String(cString: strerror(errno)))"
    }
    throw ConfigurationError(violations: [
      Violation(.syntax(problem), at: .root, origin: SettingOrigin(source: path))
    ])
  }

  /// Puts `key.path=value` into the tree.
  private static func apply(
    _ override: String, to tree: inout SettingNode, reporting violations: inout [Violation]
  ) {
    let source = "--set \(override)"
    guard let equals = override.firstIndex(of: "="),
      case let path = override[..<equals],
      !path.split(separator: ".", omittingEmptySubsequences: false).contains("")
    else {
      violations.append(
        Violation(
          .syntax("expected key.path=value, such as optimizer.learning_rate=3e-4"), at: .root,
          origin: SettingOrigin(source: source)))
      return
    }
    let text = String(override[override.index(after: equals)...])
    let reader = YAMLReader(source: source, hasLines: false)
    guard let value = reader.read(text, reporting: &violations) else { return }
    tree.set(String(path), to: value)
  }

  /// The configuration as YAML, every key included.
  ///
  /// - Parameter comments: Whether each key has its documentation above it.
  public func yaml(comments: Bool = true) -> String {
    YAMLWriter(commentsFrom: comments ? Self.keyDescriptions : []).write(settingNode)
  }
}
