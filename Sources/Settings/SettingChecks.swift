/// Gathers what is wrong between the keys of a section.
///
/// A check is skipped when a key that it looks at was already found wrong by itself: the value
/// checked would be a default that nobody wrote.
public struct SettingChecks {
  private let path: SettingPath
  /// The section as written, for the lines.
  private let node: SettingNode
  /// The section as read, defaults included.
  private let value: SettingNode
  private(set) var violations: [Violation]

  init(path: SettingPath, node: SettingNode, value: SettingNode, violations: [Violation]) {
    self.path = path
    self.node = node
    self.value = value
    self.violations = violations
  }

  /// Reports a violation unless `condition` holds.
  ///
  /// - Parameters:
  ///   - condition: What must hold.
  ///   - key: The key to name, below this section; dotted for one further down.
  ///   - expected: What a right value would be: `a divisor of width (256)`.
  ///   - others: Further keys that the condition looks at.
  public mutating func require(
    _ condition: Bool, _ key: String, _ expected: @autoclosure () -> String,
    involving others: String...
  ) {
    let keys = [key] + others
    guard !condition, !keys.contains(where: isWrongAlready) else { return }
    let found = value[key]?.summary ?? "nothing"
    let isDefault = node.entry(at: key) == nil && node.origin != nil
    violations.append(
      Violation(
        .wrongValue(
          found: isDefault ? "\(found) (the default)" : found, expected: expected()),
        at: path.appending(key), origin: origin(ofFirstWritten: keys)))
  }

  private func origin(ofFirstWritten keys: [String]) -> SettingOrigin? {
    keys.lazy.compactMap { node.entry(at: $0)?.value.origin }.first ?? node.origin
  }

  private func isWrongAlready(_ key: String) -> Bool {
    let path = path.appending(key)
    return violations.contains { violation in
      guard case .wrongValue = violation.problem else { return false }
      return violation.path.isWithin(path) || path.isWithin(violation.path)
    }
  }
}
