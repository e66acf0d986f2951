/// A type that the value of a configuration's key can have.
public protocol SettingConvertible: Sendable {
  /// What a reader is told to write: `a whole number`.
  static var expectation: String { get }

  /// The words and meanings to choose from; empty where the type is not a choice.
  static var choices: [ChoiceDescription] { get }

  /// The outermost values of the type, and what is next to them. Default: its choices, and a word
  /// that is none; where it is no choice, none.
  static var ends: SettingEnds { get }

  /// The key whose value may be written in place of a whole map: `a.bin` for `{path: a.bin}`.
  /// Default: none.
  static var shorthandKey: String? { get }

  /// Reads a value.
  ///
  /// - Parameters:
  ///   - node: What was written.
  ///   - current: The value that holds where a part of the setting is not written.
  ///   - path: Where the node lies in the tree.
  ///   - violations: Gets whatever is wrong.
  /// - Returns: The value; nil if there was a violation that leaves none.
  static func decode(
    _ node: SettingNode, over current: Self?, at path: SettingPath,
    reporting violations: inout [Violation]
  ) -> Self?

  /// The value as it would be written.
  var settingNode: SettingNode { get }

  /// The keys below this type's values, with the values of `example` as defaults; empty for
  /// scalars.
  static func describeKeys(of example: Self?) -> [KeyDescription]
}

extension SettingConvertible {
  public static var choices: [ChoiceDescription] { [] }
  public static var ends: SettingEnds { .choices(choices) }
  public static var shorthandKey: String? { nil }
  public static func describeKeys(of example: Self?) -> [KeyDescription] { [] }

  /// Reports that `node` is not a value of this type.
  package static func reject(
    _ node: SettingNode, at path: SettingPath, expected: String = expectation,
    reporting violations: inout [Violation]
  ) {
    violations.append(
      Violation(
        .wrongValue(found: node.summary, expected: expected), at: path, origin: node.origin))
  }
}

/// A type whose values are single scalars.
public protocol ScalarSetting: SettingConvertible {
  /// - Parameter scalar: The characters as written.
  /// - Parameter isQuoted: Whether they certainly are text.
  init?(scalar: String, isQuoted: Bool)
}

extension ScalarSetting {
  public static func decode(
    _ node: SettingNode, over current: Self?, at path: SettingPath,
    reporting violations: inout [Violation]
  ) -> Self? {
    let value: Self? =
      switch node.content {
      case .plain(let characters): Self(scalar: characters, isQuoted: false)
      case .text(let characters): Self(scalar: characters, isQuoted: true)
      case .null, .list, .map: nil
      }
    if value == nil { reject(node, at: path, reporting: &violations) }
    return value
  }
}

/// Digits, which `_` may group, or an exponent that leaves no fraction: `20000`, `20_000`, `2e4`.
extension Int: ScalarSetting {
  public static var expectation: String { "a whole number" }
  public static var ends: SettingEnds {
    SettingEnds(within: [Int.min, .max], beyond: SettingEnds.words("1.5"))
  }

  public init?(scalar: String, isQuoted: Bool) {
    guard !isQuoted else { return nil }
    let digits = scalar.replacing("_", with: "")
    if let value = Int(digits) {
      self = value
    } else if digits.contains(where: { $0 == "e" || $0 == "E" }), !digits.contains("."),
      let number = Double(scalar: scalar, isQuoted: false), abs(number) < 0x1p53,
      let value = Int(exactly: number)
    {
      self = value
    } else {
      return nil
    }
  }

  public var settingNode: SettingNode { SettingNode(.plain(String(self))) }
}

/// A finite decimal number, with or without fraction and exponent; `_` may group digits.
extension Double: ScalarSetting {
  public static var expectation: String { "a number" }
  public static var ends: SettingEnds {
    SettingEnds(
      within: [-greatestFiniteMagnitude, leastNonzeroMagnitude, greatestFiniteMagnitude],
      beyond: SettingEnds.words("inf", "nan", "1e999"))
  }

  public init?(scalar: String, isQuoted: Bool) {
    guard !isQuoted, let value = Double(decimal: scalar.replacing("_", with: "")) else {
      return nil
    }
    self = value
  }

  /// The shortest decimal that reads back as the same number.
  public var settingNode: SettingNode { SettingNode(.plain(String(self))) }
}

extension Bool: ScalarSetting {
  public static var expectation: String { "true or false" }
  public static var ends: SettingEnds {
    SettingEnds(within: [false, true], beyond: SettingEnds.words("yes"))
  }

  public init?(scalar: String, isQuoted: Bool) {
    guard !isQuoted, let value = Bool(scalar) else { return nil }
    self = value
  }

  public var settingNode: SettingNode { SettingNode(.plain(String(self))) }
}

/// Any scalar, quoted or not.
extension String: ScalarSetting {
  public static var expectation: String { "text" }
  public static var ends: SettingEnds { SettingEnds(within: ["", "\u{0}"], beyond: [Int]()) }

  public init?(scalar: String, isQuoted: Bool) { self = scalar }

  public var settingNode: SettingNode { SettingNode(.text(self)) }
}

/// A value that may be absent, written `null`.
extension Optional: SettingConvertible where Wrapped: SettingConvertible {
  public static var expectation: String { "\(Wrapped.expectation), or null" }
  public static var choices: [ChoiceDescription] { Wrapped.choices }
  public static var ends: SettingEnds {
    SettingEnds(
      within: [SettingNode(.null)] + Wrapped.ends.within, beyond: Wrapped.ends.beyond)
  }
  public static var shorthandKey: String? { Wrapped.shorthandKey }

  public static func decode(
    _ node: SettingNode, over current: Self?, at path: SettingPath,
    reporting violations: inout [Violation]
  ) -> Self? {
    if case .null = node.content { return .some(nil) }
    guard
      let value = Wrapped.decode(
        node, over: current ?? nil, at: path, reporting: &violations)
    else { return nil }
    return .some(value)
  }

  public var settingNode: SettingNode { self?.settingNode ?? SettingNode(.null) }

  public static func describeKeys(of example: Self?) -> [KeyDescription] {
    Wrapped.describeKeys(of: example ?? nil)
  }
}

/// A list, whose elements are read one by one: each wrong one is reported.
extension Array: SettingConvertible where Element: SettingConvertible {
  public static var expectation: String { "a list, each \(Element.expectation)" }
  public static var ends: SettingEnds {
    var ends = Element.ends.map { SettingNode(.list([$0])) }
    ends.within.append(SettingNode(.list([])))
    return ends
  }

  public static func decode(
    _ node: SettingNode, over current: Self?, at path: SettingPath,
    reporting violations: inout [Violation]
  ) -> Self? {
    guard case .list(let nodes) = node.content else {
      reject(node, at: path, reporting: &violations)
      return nil
    }
    let elements = nodes.enumerated().map { index, node in
      Element.decode(
        node, over: nil, at: path.appending(index: index), reporting: &violations)
    }
    let values = elements.compactMap(\.self)
    return values.count == elements.count ? values : nil
  }

  public var settingNode: SettingNode { SettingNode(.list(map(\.settingNode))) }

  public static func describeKeys(of example: Self?) -> [KeyDescription] {
    Element.describeKeys(of: nil)
  }
}
