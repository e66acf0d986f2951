import LockstepSettings
import LockstepTraining

extension SweepConfiguration {
  /// Reads a sweep from the text of its file.
  ///
  /// - Parameters:
  ///   - text: YAML.
  ///   - source: What messages call it: the file's path.
  /// - Throws: `ConfigurationError` with everything that is wrong.
  public static func parse(
    yaml text: String, source: String
  ) throws(ConfigurationError) -> SweepConfiguration {
    var violations: [Violation] = []
    let tree = YAMLReader(source: source).read(text, reporting: &violations)
    guard let tree else { throw ConfigurationError(violations: violations) }
    if case .null = tree.content {
      violations.append(
        Violation(
          .syntax("the file is empty; a sweep names at least base, method and parameters"),
          at: .root, origin: SettingOrigin(source: source)))
    }
    return try SweepConfiguration(settings: tree, earlier: violations)
  }

  /// The sweep as YAML, every key included and explained.
  public func yaml() -> String {
    YAMLWriter(commentsFrom: Self.keyDescriptions).write(settingNode)
  }

  /// Refuses values for keys that every trial sets itself: they would be dropped in silence.
  ///
  /// - Parameter overrides: `key.path=value`. Errors in them are reported when the base is read.
  /// - Throws: `SweepError.overridden`.
  func requireNothingSet(by overrides: [String]) throws(SweepError) {
    for override in overrides {
      var problems: [Violation] = []
      let set = RunConfiguration.tree(
        yaml: "{}", source: "", overrides: [override], reporting: &problems)
      guard let set, let key = override.split(separator: "=").first else { continue }
      if let parameter = ownKeys.first(where: { set[$0] != nil }) {
        throw .overridden(key: String(key), parameter: parameter)
      }
    }
  }

  /// Keys of a run's configuration that the sweep sets in every trial.
  private var ownKeys: [String] {
    if case .rangeTest(let test) = method { return test.settings.map(\.key) }
    let keys = parameters.parameters.map(\.key)
    return folds == nil ? keys : keys + ["data.folds"] + Self.heldOutKeys
  }

  /// What says on which data runs are evaluated, where they do not hold out a part of their own.
  static let heldOutKeys = ["data.validation", "data.validation_labels"]

  /// Refuses to go on with a stored sweep under one that chooses other trials.
  ///
  /// - Parameters:
  ///   - stored: The sweep that the directory holds.
  ///   - source: What messages call it.
  /// - Throws: `ConfigurationError` with every key that differs. More trials of a random search are
  ///   not another search: the first are the same.
  func requireSameSweep(as stored: SweepConfiguration, storedIn source: String)
    throws(ConfigurationError)
  {
    var comparable = stored
    if case .random(let search) = method, case .random = stored.method {
      comparable.method = .random(search)
    }
    let (mine, theirs) = (settingNode.entries ?? [], comparable.settingNode.entries ?? [])
    let keys =
      mine.map(\.key) + theirs.map(\.key).filter { key in !mine.contains { $0.key == key } }
    let violations: [Violation] = keys.compactMap { key in
      let requested = mine.first { $0.key == key }.map { YAMLWriter.inline($0.value) } ?? "absent"
      let stored = theirs.first { $0.key == key }.map { YAMLWriter.inline($0.value) } ?? "absent"
      guard requested != stored else { return nil }
      return Violation(
        .differs(stored: stored, requested: requested, settable: false),
        at: SettingPath(description: key),
        origin: SettingOrigin(source: source))
    }
    if !violations.isEmpty { throw ConfigurationError(violations: violations) }
  }
}
