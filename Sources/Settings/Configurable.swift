/// A section of a configuration: a plain value whose stored properties are the keys' values and
/// whose initial state is the defaults.
///
/// It lives beside what it configures, and declares each key once:
///
/// ```swift
/// struct BatchConfiguration: Configurable {
///   var sequences = 8
///   var microbatches = 4
///
///   static var fields: [Field<Self>] {
///     [
///       Field("sequences", \.sequences, .atLeast(1), meaning: "Sequences in a micro-batch."),
///       Field("microbatches", \.microbatches, .within(1...4096), meaning: "Micro-batches in a step."),
///     ]
///   }
/// }
/// ```
///
/// Reading, writing, validation, the comments of a written configuration and the documentation's
/// tables all follow from that declaration.
public protocol Configurable: SettingConvertible, Equatable {
  /// The defaults.
  init()

  /// The keys, in the order in which they are written and documented.
  static var fields: [Field<Self>] { get }

  /// States what must hold between keys. The default states nothing.
  func check(_ checks: inout SettingChecks)
}

extension Configurable {
  public func check(_ checks: inout SettingChecks) {}

  public static var expectation: String { "a map of keys" }

  public static func decode(
    _ node: SettingNode, over current: Self?, at path: SettingPath,
    reporting violations: inout [Violation]
  ) -> Self? {
    var value = current ?? Self()
    let entries: [SettingNode.Entry]
    switch node.content {
    case .map(let written): entries = written
    // A section whose keys are all left out, or commented out, is a section of defaults.
    case .null: entries = []
    case .plain, .text, .list:
      guard let shorthandKey, node.scalar != nil else {
        reject(node, at: path, reporting: &violations)
        return nil
      }
      entries = [SettingNode.Entry(shorthandKey, node, origin: node.origin)]
    }
    var reader = SectionReader(entries, at: path)
    value.readFields(from: &reader)
    reader.finish(known: describeKeys(of: current))
    var checks = SettingChecks(
      path: path, node: node, value: value.settingNode, violations: reader.violations)
    for field in fields { field.check(value, &checks) }
    value.check(&checks)
    violations += checks.violations
    return value
  }

  /// The map of all keys; the shorthand where all other keys have their defaults.
  public var settingNode: SettingNode {
    let entries = entries
    guard let short = entries.first(where: { $0.key == Self.shorthandKey }) else {
      return SettingNode(.map(entries))
    }
    let defaults = Self().entries
    // The keys of another choice than the default one are not among the defaults.
    let isShort =
      entries.map(\.key) == defaults.map(\.key)
      && zip(entries, defaults).allSatisfy { $0.key == short.key || $0.value == $1.value }
    return isShort ? short.value : SettingNode(.map(entries))
  }

  public static func describeKeys(of example: Self?) -> [KeyDescription] {
    let example = example ?? Self()
    return fields.flatMap { $0.describe(example) }
  }

  /// All keys with their values, in the order declared.
  var entries: [SettingNode.Entry] { Self.fields.flatMap { $0.write(self) } }

  mutating func readFields(from reader: inout SectionReader) {
    for field in Self.fields { field.read(&reader, &self) }
  }
}

extension Configurable {
  /// Every key of the configuration, with its default.
  public static var keyDescriptions: [KeyDescription] { describeKeys(of: nil) }

  /// Reads a whole configuration; keys that are not written have their defaults.
  ///
  /// - Parameters:
  ///   - tree: What was written.
  ///   - earlier: What was wrong already in making the tree: reported together with the rest.
  ///   - additional: Checks that depend on more than the configuration.
  /// - Throws: `ConfigurationError` with everything that is wrong.
  public init(
    settings tree: SettingNode, earlier: [Violation] = [],
    additional: (Self, inout SettingChecks) -> Void = { _, _ in }
  ) throws(ConfigurationError) {
    var violations = earlier
    let value = Self.decode(tree, over: nil, at: .root, reporting: &violations)
    if let value {
      var checks = SettingChecks(
        path: .root, node: tree, value: value.settingNode, violations: violations)
      additional(value, &checks)
      violations = checks.violations
    }
    guard let value, violations.isEmpty else {
      let keys = Self.keyDescriptions
      throw ConfigurationError(
        violations: violations.enumerated().map { index, violation in
          index < Suggestion.mostMade ? violation.pointingElsewhere(in: keys, tree) : violation
        })
    }
    self = value
  }

  /// Checks a configuration that was made in code as if it had been read.
  ///
  /// - Throws: `ConfigurationError` with everything that is wrong.
  public func validate() throws(ConfigurationError) {
    _ = try Self(settings: settingNode)
  }
}

extension Violation {
  /// For an unknown key without a near neighbour: says under which other choice of a section above it is
  /// there, or points to a key of that name in another section.
  fileprivate func pointingElsewhere(in keys: [KeyDescription], _ tree: SettingNode) -> Violation {
    guard case .unknownKey(suggestion: nil, let known) = problem else { return self }
    let names = path.description.split(separator: ".").map(String.init)
    if let choice = keys.otherChoice(holding: names[...], in: tree) {
      return Violation(choice, at: path, origin: origin)
    }
    guard let elsewhere = keys.path(ofKeyNamed: names.last ?? "") else { return self }
    return Violation(
      .unknownKey(suggestion: elsewhere, known: known), at: path, origin: origin)
  }
}

extension Configurable {
  /// The full paths and values of all keys that hold scalars or lists, in the order declared.
  ///
  /// - Parameter isIncluded: Which keys to take; a section that is left out takes all keys below
  ///   it along.
  public func settings(
    where isIncluded: (KeyDescription) -> Bool
  ) -> [(path: String, value: SettingNode)] {
    Self.settings(
      in: settingNode, below: .root, described: Self.keyDescriptions, where: isIncluded)
  }

  private static func settings(
    in section: SettingNode, below path: SettingPath, described keys: [KeyDescription],
    where isIncluded: (KeyDescription) -> Bool
  ) -> [(path: String, value: SettingNode)] {
    (section.entries ?? []).flatMap { entry -> [(path: String, value: SettingNode)] in
      guard let key = keys.description(at: entry.key, in: section), isIncluded(key) else {
        return []
      }
      let path = path.appending(entry.key)
      guard entry.value.entries != nil else { return [(path.description, entry.value)] }
      return settings(
        in: entry.value, below: path, described: key.children, where: isIncluded)
    }
  }
}
