import Foundation
import LockstepFiles
import LockstepSettings

extension RunConfiguration {
  /// Reads a configuration file.
  ///
  /// - Parameters:
  ///   - path: A YAML file.
  ///   - overrides: `key.path=value`, each put over what the file and those before it say: of two
  ///     for the same key the last one holds. The value is YAML: a scalar, a list in brackets or a
  ///     map in braces. One that would discard what stands in its way, or an earlier one of a key
  ///     below it, is refused. The file's keys of a choice that an override replaces are left out, and
  ///     a warm-up that is longer than the overridden number of steps is shortened, with a notice.
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
    guard var root else { throw ConfigurationError(violations: violations) }
    var notices: [String] = []
    if !overrides.isEmpty, violations.isEmpty {
      var none: [Violation] = []
      var adjustments = OverrideAdjustments(
        overrides.compactMap { SettingOverride($0, reporting: &none) },
        over: YAMLReader(source: source).read(text, reporting: &none) ?? SettingNode(.null))
      adjustments.adjust(&root)
      notices = adjustments.notices
    }
    let completed: (settings: SettingNode, notices: [String])
    do throws(Violation) {
      completed = try root.completingModel()
    } catch {
      // Without the model, whatever depends on it would be called wrong, too.
      throw ConfigurationError(violations: violations + [error])
    }
    var configuration = try RunConfiguration(
      readFrom: completed.settings, earlier: violations, ranks: ranks)
    configuration.notices = notices + completed.notices
    return configuration
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
    var earlier: [SettingOverride] = []
    for text in overrides {
      guard let override = SettingOverride(text, reporting: &violations) else { continue }
      do throws(Violation) {
        try override.requireNothingBelow(in: earlier)
        try tree.set(override.path, to: override.value, keys: keyDescriptions)
      } catch {
        violations.append(error)
      }
      earlier.append(override)
    }
    return tree
  }

  /// The text of a configuration file, unparsed. It may be a pipe, which is read once, to its end.
  ///
  /// - Throws: `ConfigurationError` that names the path, if there is no such file or it is not
  ///   UTF-8 text.
  public static func readText(path: String) throws(ConfigurationError) -> String {
    let problem: String
    do {
      let bytes = try FileContents.read(path, limit: largestText)
      let mark = try ByteOrderMark.length(in: bytes)
      if let text = String(bytes: bytes.dropFirst(mark), encoding: .utf8) { return text }
      problem = "not UTF-8 text; expected a configuration in YAML"
    } catch let error as FileError {
      problem =
        switch error.code {
        case ENOENT: "no such file; expected a configuration in YAML"
        case EISDIR: "a directory; expected a configuration file in YAML"
        case EFBIG: "too long for a configuration; expected YAML of at most 1 MiB"
        default: "the file cannot be read: \(error.reason)"
        }
    } catch {
      problem = "\(error)"
    }
    throw ConfigurationError(violations: [
      Violation(.syntax(problem), at: .root, origin: SettingOrigin(source: path))
    ])
  }

  /// Bytes: nobody writes as much, but a pipe may never end.
  private static let largestText = 1 << 20

  /// The configuration as YAML, every key included.
  ///
  /// - Parameter comments: Whether each key has its documentation above it.
  public func yaml(comments: Bool = true) -> String {
    YAMLWriter(commentsFrom: comments ? Self.keyDescriptions : []).write(settingNode)
  }
}
