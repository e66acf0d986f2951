/// A setting that is one value or a list of several, written alone or in brackets.
public struct OneOrMore<Element: SettingConvertible & Equatable>: SettingConvertible, Equatable {
  /// The elements, at least one.
  public let elements: [Element]

  public init(_ element: Element) {
    elements = [element]
  }

  /// - Parameter elements: At least one.
  public init(elements: [Element]) {
    precondition(!elements.isEmpty, "at least one")
    self.elements = elements
  }

  public static var expectation: String {
    "\(Element.expectation), or a list of at least one such"
  }

  public static var shorthandKey: String? { Element.shorthandKey }

  public static func decode(
    _ node: SettingNode, over current: Self?, at path: SettingPath,
    reporting violations: inout [Violation]
  ) -> Self? {
    switch node.content {
    case .list(let nodes) where !nodes.isEmpty:
      return [Element].decode(node, over: nil, at: path, reporting: &violations)
        .map(Self.init(elements:))
    case .null, .list:
      reject(node, at: path, reporting: &violations)
      return nil
    case .plain, .text, .map:
      return Element.decode(node, over: nil, at: path, reporting: &violations).map { Self($0) }
    }
  }

  /// A map is written in a list, so that its keys are not taken for those of a section.
  public var settingNode: SettingNode {
    let nodes = elements.map(\.settingNode)
    return nodes.count == 1 && nodes[0].scalar != nil ? nodes[0] : SettingNode(.list(nodes))
  }

  public static func describeKeys(of example: Self?) -> [KeyDescription] {
    Element.describeKeys(of: nil)
  }
}

extension Requirement {
  /// For one or more: what holds for each of them.
  public static func each<Element>(_ requirement: Requirement<Element>) -> Self
  where Value == OneOrMore<Element> {
    @Sendable func ends() -> SettingEnds {
      var ends = requirement.ends
      ends.beyond.append(SettingNode(.list([])))
      return ends
    }
    return Self(
      expectation: "\(requirement.expectation), or a list of at least one such", ends: ends()
    ) {
      $0.elements.allSatisfy(requirement.isSatisfied)
    }
  }
}
