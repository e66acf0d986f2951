/// Hands out the keys of one map, remembers which were taken, and gathers what is wrong.
struct SectionReader {
  let path: SettingPath
  var violations: [Violation] = []
  /// The choice made by each selector read so far; nil for one that names no variant.
  var chosen: [String: String?] = [:]

  private let entries: [SettingNode.Entry]
  private var taken: Set<String> = []

  /// Reports keys that occur twice; the first occurrence is the one that is read.
  init(_ entries: [SettingNode.Entry], at path: SettingPath) {
    self.path = path
    var first: [String: SettingOrigin?] = [:]
    var unique: [SettingNode.Entry] = []
    for entry in entries {
      if let origin = first[entry.key] {
        violations.append(
          Violation(
            .duplicateKey(first: origin), at: path.appending(entry.key), origin: entry.origin))
      } else {
        first[entry.key] = .some(entry.origin)
        unique.append(entry)
      }
    }
    self.entries = unique
  }

  /// The value of a key; nil if it is not written.
  mutating func take(_ key: String) -> SettingNode? {
    taken.insert(key)
    return entries.first { $0.key == key }?.value
  }

  mutating func reject(_ key: String, _ node: SettingNode, expected: String) {
    violations.append(
      Violation(
        .wrongValue(found: node.summary, expected: expected), at: path.appending(key),
        origin: node.origin))
  }

  /// Reports the keys that nobody took.
  ///
  /// - Parameter known: All keys of the section, under whatever choice.
  mutating func finish(known: [KeyDescription]) {
    var unknownCount = 0
    for entry in entries where !taken.contains(entry.key) {
      let owners = known.filter { $0.key == entry.key }.compactMap(\.condition)
      let problem: Violation.Problem
      if let selector = owners.first?.selector, let chosen = chosen[selector] {
        // A selector that names no variant has been reported; its keys are not at fault.
        guard let chosen else { continue }
        problem = .keyOfOtherChoice(
          selector: selector, chosen: chosen, owners: owners.map(\.choice))
      } else {
        let available = known.filter(isAvailable).map(\.key)
        unknownCount += 1
        // A text of nothing but unknown keys was not meant as a configuration.
        let suggestion =
          unknownCount <= Suggestion.mostMade
          ? Suggestion.nearest(to: entry.key, among: available) : nil
        problem = .unknownKey(suggestion: suggestion, known: available)
      }
      violations.append(Violation(problem, at: path.appending(entry.key), origin: entry.origin))
    }
  }

  private func isAvailable(_ description: KeyDescription) -> Bool {
    guard let condition = description.condition else { return true }
    return chosen[condition.selector] == condition.choice
  }
}
