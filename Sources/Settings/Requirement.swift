/// A condition on the value of one key, with the words that a message and the documentation use.
public struct Requirement<Value: SettingConvertible>: Sendable {
  /// The type with the condition, in words: `a whole number from 1 to 4096`.
  let expectation: String
  let isSatisfied: @Sendable (Value) -> Bool

  /// - Parameter phrase: Follows the type's name: `from 1 to 4096`.
  public init(_ phrase: String, _ isSatisfied: @escaping @Sendable (Value) -> Bool) {
    self.init(expectation: "\(Value.expectation) \(phrase)", isSatisfied)
  }

  init(expectation: String, _ isSatisfied: @escaping @Sendable (Value) -> Bool) {
    self.expectation = expectation
    self.isSatisfied = isSatisfied
  }
}

extension Requirement where Value: Comparable {
  public static func within(_ range: ClosedRange<Value>) -> Self {
    Self("from \(word(range.lowerBound)) to \(word(range.upperBound))") { range.contains($0) }
  }

  public static func within(_ range: Range<Value>) -> Self {
    Self("from \(word(range.lowerBound)) to below \(word(range.upperBound))") { range.contains($0) }
  }

  public static func atLeast(_ bound: Value) -> Self {
    Self("of at least \(word(bound))") { $0 >= bound }
  }

  public static func above(_ bound: Value) -> Self {
    Self("above \(word(bound))") { $0 > bound }
  }

  /// The bound as one would say it: `0`, where a number of the configuration would be `0.0`.
  private static func word(_ value: Value) -> String {
    let written = value.settingNode.summary
    return written.hasSuffix(".0") ? String(written.dropLast(2)) : written
  }
}

extension Requirement where Value == Double {
  /// What is computed with has 24 bits: 0.9999999999999999 would be 1, which is outside of 0 ..< 1.
  public static func within(_ range: Range<Double>) -> Self {
    Self("from \(word(range.lowerBound)) to below \(word(range.upperBound))") {
      range.contains($0) && Float($0) < Float(range.upperBound)
    }
  }
}

extension Requirement {
  /// For an optional key: what holds for the value where there is one.
  public static func ifPresent<Wrapped>(_ requirement: Requirement<Wrapped>) -> Self
  where Value == Wrapped? {
    Self(expectation: "\(requirement.expectation), or null") { value in
      guard let value else { return true }
      return requirement.isSatisfied(value)
    }
  }

  /// For a list: how many elements it has, and what holds for each of them.
  public static func count<Element>(_ count: Int, each requirement: Requirement<Element>) -> Self
  where Value == [Element] {
    Self(expectation: "a list of \(count), each \(requirement.expectation)") { list in
      list.count == count && list.allSatisfy(requirement.isSatisfied)
    }
  }
}

extension Requirement {
  /// For a list: at least one element, and what holds for each of them.
  public static func notEmptyList<Element>(each requirement: Requirement<Element>) -> Self
  where Value == [Element] {
    Self(expectation: "a list of at least one, each \(requirement.expectation)") { list in
      !list.isEmpty && list.allSatisfy(requirement.isSatisfied)
    }
  }
}

extension Requirement where Value == String {
  /// Text with at least one character.
  public static var notEmpty: Self {
    Self("that is not empty") { !$0.isEmpty }
  }

  /// The path of a file. Whether there is one is found out by whoever opens it.
  public static var path: Self {
    Self(expectation: "a path") { !$0.isEmpty }
  }
}
