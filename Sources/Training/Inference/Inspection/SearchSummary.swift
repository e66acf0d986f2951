import LockstepSettings

/// What `lockstep inspect` tells of a file that `lockstep sweep` takes; what is wrong in it, `sweep` says.
public struct SearchSummary: Encodable, CustomStringConvertible {
  let path: String
  /// The configuration that its trials start from.
  let base: String
  /// How trials are chosen, where the file says it.
  let method: String?
  /// The keys that vary.
  let parameters: [String]

  /// - Returns: Nil where the file is no search: it has no `base`.
  /// - Throws: `ConfigurationError` where it can not be read, or is no YAML.
  init?(path: String) throws(ConfigurationError) {
    var violations: [Violation] = []
    let text = try RunConfiguration.readText(path: path)
    let tree = YAMLReader(source: path).read(text, reporting: &violations)
    guard let tree, violations.isEmpty, let base = tree["base"]?.scalar else { return nil }
    self.path = path
    self.base = base
    method = tree["method"]?.scalar ?? tree["method.name"]?.scalar
    parameters = tree["parameters"]?.entries?.map(\.key) ?? []
  }

  public var description: String {
    """
    \(path): a search, for lockstep sweep
      starts from  \(base)
      method       \(method ?? "grid")
      varies       \(parameters.isEmpty ? "nothing" : parameters.joined(separator: ", "))
    """
  }
}
