/// One thing that is wrong with a configuration.
public struct Violation: Error, Hashable, CustomStringConvertible {
  /// What is wrong, with what a reader needs to put it right.
  public enum Problem: Sendable, Hashable {
    /// The notation itself is broken.
    case syntax(String)
    /// A value of the wrong kind or out of range.
    case wrongValue(found: String, expected: String)
    /// No such key. `suggestion` is the nearest known one, a full path where it lives elsewhere.
    case unknownKey(suggestion: String?, known: [String])
    /// The key exists, but belongs to other choices of `selector` than the one made.
    case keyOfOtherChoice(selector: String, chosen: String, owners: [String])
    /// The key occurs twice in one map.
    case duplicateKey(first: SettingOrigin?)
    /// The setting goes into a value that has no keys, and that it would replace.
    case discards(key: String, found: String, origin: SettingOrigin?, instead: String)
    /// The setting would replace an earlier one of a key below it.
    case replacesEarlier(key: String, setting: String)
    /// A run directory holds another value than the configuration asks for, which an option may set
    /// or not.
    case differs(stored: String, requested: String, settable: Bool = true)
  }

  /// Where it was written; nil for settings that come from code.
  public var origin: SettingOrigin?
  public var path: SettingPath
  public var problem: Problem

  public init(_ problem: Problem, at path: SettingPath, origin: SettingOrigin?) {
    self.problem = problem
    self.path = path
    self.origin = origin
  }

  /// One line: where, which key, what was found and what was expected.
  public var description: String {
    [origin?.description, path.isRoot ? nil : path.description, message]
      .compactMap(\.self).joined(separator: ": ")
  }

  private var message: String {
    switch problem {
    case .syntax(let problem):
      return problem
    case .wrongValue(let found, let expected):
      return "found \(found), expected \(expected)"
    case .unknownKey(let suggestion?, _):
      return "unknown key; did you mean \(suggestion)?"
    case .unknownKey(nil, let known):
      return "unknown key; the keys here are \(known.joined(separator: ", "))"
    case .keyOfOtherChoice(let selector, let chosen, let owners):
      let owners = owners.map { "\(selector): \($0)" }.joined(separator: " or ")
      return
        "a key of \(owners), but here \(selector) is \(chosen): leave it out, or choose another \(selector)"
    case .duplicateKey(let first?):
      return "the key occurs twice, first at \(first): keep one"
    case .duplicateKey(nil):
      return "the key occurs twice: keep one"
    case .discards(let key, let found, let origin, let instead):
      let place = origin.map { " (\($0))" } ?? ""
      return "would discard \(key), which is \(found)\(place): \(instead)"
    case .replacesEarlier(let key, let setting):
      return "would discard \(setting): give \(key) first"
    case .differs(let stored, let requested, _):
      return "the run holds \(stored), the configuration says \(requested)"
    }
  }
}

/// A configuration that cannot be used, with everything that is wrong with it.
public struct ConfigurationError: UserInputError, Hashable {
  /// In the order of the source's lines.
  public let violations: [Violation]

  /// - Precondition: There is at least one violation.
  public init(violations: [Violation]) {
    precondition(!violations.isEmpty, "a configuration error without a violation")
    self.violations = Self.ordered(violations)
  }

  /// Violations that are told one by one; of more only their number is.
  private static let mostTold = 100

  /// One line a violation; a heading that counts them where there are several.
  public var description: String {
    guard violations.count > 1 else {
      return ([violations[0].description] + wayOn).joined(separator: "\n")
    }
    var lines = violations.prefix(Self.mostTold).map { "  \($0)" }
    if violations.count > Self.mostTold {
      lines.append("  and \(violations.count - Self.mostTold) more")
    }
    return "\(violations.count) problems in the configuration:\n"
      + (lines + wayOn).joined(separator: "\n")
  }

  /// Where a run or a sweep that is there disagrees: what to add so that it goes on, and what else to do.
  private var wayOn: [String] {
    let differences = violations.prefix(Self.mostTold).compactMap { violation -> String? in
      guard case .differs(let stored, _, true) = violation.problem else { return nil }
      let setting = "\(violation.path)=\(stored)"
      let isPlain = setting.allSatisfy {
        $0.isASCII && ($0.isLetter || $0.isNumber || "._=/+-:".contains($0))
      }
      return stored == "absent" ? "" : "--set " + (isPlain ? setting : "'\(setting)'")
    }.filter { !$0.isEmpty }
    guard violations.contains(where: { if case .differs = $0.problem { true } else { false } })
    else {
      return []
    }
    let another = "to begin another, give another --output"
    guard !differences.isEmpty, differences.count <= 6 else {
      return ["  to go on with what is there, use its own configuration; \(another)"]
    }
    return ["  to go on with what is there, add \(differences.joined(separator: " ")); \(another)"]
  }

  /// By line; what has no line, being an option or made in code, after that and as found.
  private static func ordered(_ violations: [Violation]) -> [Violation] {
    func rank(_ index: Int) -> (Int, Int) {
      (violations[index].origin?.line ?? .max, index)
    }
    return violations.indices.sorted { rank($0) < rank($1) }.map { violations[$0] }
  }
}
