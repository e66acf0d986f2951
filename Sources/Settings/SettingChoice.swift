/// A word to choose, and what choosing it means.
public struct ChoiceDescription: Sendable, Equatable {
  public let name: String
  /// One sentence, as the documentation gives it.
  public let documentation: String

  public init(_ name: String, _ documentation: String) {
    self.name = name
    self.documentation = documentation
  }
}

/// An enumeration of words, one of which a key takes.
///
/// ```swift
/// enum Reduction: String, SettingChoice {
///   case canonical, allreduce
///   var documentation: String { … }
/// }
/// ```
public protocol SettingChoice: ScalarSetting, RawRepresentable, CaseIterable, Hashable
where RawValue == String {
  /// What choosing this means, in one sentence.
  var documentation: String { get }
}

extension SettingChoice {
  public static var expectation: String { Self.expectation(among: allCases.map(\.rawValue)) }

  public static var choices: [ChoiceDescription] {
    allCases.map { ChoiceDescription($0.rawValue, $0.documentation) }
  }

  public init?(scalar: String, isQuoted: Bool) { self.init(rawValue: scalar) }

  public static func decode(
    _ node: SettingNode, over current: Self?, at path: SettingPath,
    reporting violations: inout [Violation]
  ) -> Self? {
    if let value = node.scalar.flatMap(Self.init(rawValue:)) { return value }
    reject(
      node, at: path, expected: ChoiceDescription.expectation(of: choices, insteadOf: node),
      reporting: &violations)
    return nil
  }

  public var settingNode: SettingNode { SettingNode(.plain(rawValue)) }

  private static func expectation(among names: [String]) -> String {
    ChoiceDescription.expectation(of: names)
  }
}

extension ChoiceDescription {
  /// `adamw or sgd`; `constant, linear or cosine`.
  static func expectation(of names: [String]) -> String {
    guard let last = names.last, names.count > 1 else { return names.joined() }
    return names.dropLast().joined(separator: ", ") + " or " + last
  }

  /// The words to choose from, with the nearest one pointed out where something else was written.
  static func expectation(
    of choices: [ChoiceDescription], insteadOf node: SettingNode
  ) -> String {
    let names = choices.map(\.name)
    let all = expectation(of: names)
    guard let written = node.scalar, names.count > 1,
      let nearest = Suggestion.nearest(to: written, among: names)
    else { return all }
    return "\(all); did you mean \(nearest)?"
  }
}
