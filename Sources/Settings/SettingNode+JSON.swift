import LockstepFiles

extension SettingNode {
  /// The tree of a JSON text. Numbers keep their type: a text is none, nor is `true`.
  ///
  /// - Throws: `JSONReader.Failure` where it is no JSON, or an object has a key twice.
  public init(json: some Sequence<UInt8>, source: String) throws {
    let value = try JSONFormat.decode(JSONSetting.self, foreign: json)
    self = value.node(origin: SettingOrigin(source: source))
  }
}

/// Any JSON value, on its way to a setting.
private enum JSONSetting: Decodable {
  case null
  case plain(String)
  case text(String)
  case list([JSONSetting])
  case map([String: JSONSetting])

  init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    if container.decodeNil() {
      self = .null
    } else if let value = try? container.decode(Bool.self) {
      self = .plain("\(value)")
    } else if let value = try? container.decode(Int.self) {
      self = .plain("\(value)")
    } else if let value = try? container.decode(UInt64.self) {
      self = .plain("\(value)")
    } else if let value = try? container.decode(Double.self) {
      self = .plain("\(value)")
    } else if let value = try? container.decode(String.self) {
      self = .text(value)
    } else if let value = try? container.decode([JSONSetting].self) {
      self = .list(value)
    } else {
      self = .map(try container.decode([String: JSONSetting].self))
    }
  }

  func node(origin: SettingOrigin) -> SettingNode {
    let content: SettingNode.Content =
      switch self {
      case .null: .null
      case .plain(let characters): .plain(characters)
      case .text(let characters): .text(characters)
      case .list(let elements): .list(elements.map { $0.node(origin: origin) })
      case .map(let members):
        .map(
          members.sorted { $0.key < $1.key }.map {
            SettingNode.Entry($0.key, $0.value.node(origin: origin), origin: origin)
          })
      }
    return SettingNode(content, origin: origin)
  }
}

/// A file that describes something, such as `samples.json`, and says what can not be.
public struct DescriptionError: UserInputError, Equatable {
  public let path: String
  /// One for each thing that is wrong, with its key.
  public let problems: [String]

  public init(path: String, problems: [String]) {
    self.path = path
    self.problems = problems
  }

  public var description: String { "\(path): \(problems.joined(separator: "; "))" }
}

extension Configurable {
  /// Reads a description: a JSON file whose keys are declared as those of a configuration are. Keys that
  /// are not known are passed over, for a later version may add some.
  ///
  /// - Parameters:
  ///   - json: The file's bytes.
  ///   - path: What errors call it.
  /// - Throws: `DescriptionError` with everything that is wrong.
  public init(description json: some Sequence<UInt8>, path: String) throws(DescriptionError) {
    let tree: SettingNode
    do {
      tree = try SettingNode(json: json, source: path)
    } catch {
      throw DescriptionError(
        path: path, problems: ["not JSON that can be read: \(Self.words(error))"])
    }
    var violations: [Violation] = []
    let value = Self.decode(tree, over: nil, at: .root, reporting: &violations)
    violations.removeAll {
      if case .unknownKey = $0.problem { true } else { false }
    }
    let missing = Self.keyDescriptions.missing(in: tree)
    let problems = missing.map { "\($0.path): is missing, expected \($0.expectation)" }
    let others = violations.filter { violation in
      !missing.contains { violation.path == $0.path }
    }
    guard let value, problems.isEmpty, others.isEmpty else {
      throw DescriptionError(
        path: path,
        problems: problems
          + others.map { Violation($0.problem, at: $0.path, origin: nil).description })
    }
    self = value
  }

  private static func words(_ error: any Error) -> String {
    (error as? JSONReader.Failure)?.description ?? "another structure"
  }
}

extension [KeyDescription] {
  /// The keys that a description lacks, here and in its sections: what is not written has no default
  /// there, but for what may be null.
  fileprivate func missing(
    in tree: SettingNode, at path: SettingPath = .root
  ) -> [(path: SettingPath, expectation: String)] {
    guard tree.entries != nil else { return [] }
    return flatMap { key -> [(path: SettingPath, expectation: String)] in
      let place = path.appending(key.key)
      if let node = tree[key.key] {
        return key.isSection ? key.children.missing(in: node, at: place) : []
      }
      if case .null = key.defaultValue.content { return [] }
      return [(place, key.expectation)]
    }
  }
}

extension UInt64: ScalarSetting {
  public static var expectation: String { "a whole number of at least 0" }
  public static var ends: SettingEnds {
    SettingEnds(within: [UInt64.min, .max], beyond: SettingEnds.words("-1"))
  }

  public init?(scalar: String, isQuoted: Bool) {
    guard !isQuoted, let value = UInt64(scalar) else { return nil }
    self = value
  }

  public var settingNode: SettingNode { SettingNode(.plain(String(self))) }
}

/// Texts by name, in the order of the names.
extension Dictionary: SettingConvertible where Key == String, Value == String {
  public static var expectation: String { "a map of texts" }

  public static func decode(
    _ node: SettingNode, over current: Self?, at path: SettingPath,
    reporting violations: inout [Violation]
  ) -> Self? {
    guard let entries = node.entries else {
      reject(node, at: path, reporting: &violations)
      return nil
    }
    var texts: Self = [:]
    for entry in entries {
      texts[entry.key] = String.decode(
        entry.value, over: nil, at: path.appending(entry.key), reporting: &violations)
    }
    return texts
  }

  public var settingNode: SettingNode {
    SettingNode(
      .map(sorted { $0.key < $1.key }.map { SettingNode.Entry($0.key, $0.value.settingNode) }))
  }
}
