/// A condition on the value of one key, with the words that a message and the documentation use.
public struct Requirement<Value: SettingConvertible>: Sendable {
  /// The type with the condition, in words: `a whole number from 1 to 4096`.
  let expectation: String
  /// The outermost values that satisfy it, and the nearest that do not.
  var ends: SettingEnds { makeEnds() }
  /// Made when somebody asks: long texts are among them, and every start makes all requirements.
  private let makeEnds: @Sendable () -> SettingEnds
  let isSatisfied: @Sendable (Value) -> Bool

  /// What was expected in place of a value; nil: it satisfies the condition.
  package func expectation(unmetBy value: Value) -> String? {
    isSatisfied(value) ? nil : expectation
  }

  /// - Parameters:
  ///   - phrase: Follows the type's name: `from 1 to 4096`.
  ///   - ends: Default: none are known.
  public init(
    _ phrase: String, ends: @escaping @autoclosure @Sendable () -> SettingEnds = SettingEnds(),
    _ isSatisfied: @escaping @Sendable (Value) -> Bool
  ) {
    self.init(expectation: "\(Value.expectation) \(phrase)", ends: ends(), isSatisfied)
  }

  init(
    expectation: String, ends: @escaping @autoclosure @Sendable () -> SettingEnds,
    _ isSatisfied: @escaping @Sendable (Value) -> Bool
  ) {
    self.expectation = expectation
    makeEnds = ends
    self.isSatisfied = isSatisfied
  }
}

extension Requirement where Value: SteppedSetting {
  public static func within(_ range: ClosedRange<Value>) -> Self {
    let (low, high) = (range.lowerBound, range.upperBound)
    let ends = SettingEnds(
      within: [low, high], beyond: [low.below, high.above].compactMap(\.self))
    return Self("from \(word(low)) to \(word(high))", ends: ends) { range.contains($0) }
  }

  public static func within(_ range: Range<Value>) -> Self {
    let (low, high) = (range.lowerBound, range.upperBound)
    let ends = SettingEnds(
      within: [low, high.below].compactMap(\.self),
      beyond: [low.below, high].compactMap(\.self))
    return Self("from \(word(low)) to below \(word(high))", ends: ends) { range.contains($0) }
  }

  public static func atLeast(_ bound: Value) -> Self {
    let ends = SettingEnds(
      within: [bound, .largest], beyond: [bound.below].compactMap(\.self))
    return Self("of at least \(word(bound))", ends: ends) { $0 >= bound }
  }

  public static func above(_ bound: Value) -> Self {
    let ends = SettingEnds(
      within: [bound.above, .largest].compactMap(\.self), beyond: [bound])
    return Self("above \(word(bound))", ends: ends) { $0 > bound }
  }

  /// The bound as one would say it: `0`, where a number of the configuration would be `0.0`.
  private static func word(_ value: Value) -> String {
    let written = value.settingNode.summary
    return written.hasSuffix(".0") ? String(written.dropLast(2)) : written
  }
}

extension Requirement where Value == Int {
  /// The largest number of steps, evaluations or files: more than any run takes, and sums and products
  /// with other sizes stay within 63 bits.
  public static var largestCount: Int { 1_000_000_000_000 }

  /// A number of steps, evaluations or files.
  ///
  /// - Parameter least: The smallest that makes sense.
  public static func count(from least: Int) -> Self { .within(least...largestCount) }
}

extension Requirement where Value == Double {
  /// What is computed with has 24 bits: 0.9999999999999999 would be 1, which is outside of 0 ..< 1.
  public static func within(_ range: Range<Double>) -> Self {
    let (low, high) = (range.lowerBound, range.upperBound)
    let ends = SettingEnds(
      within: [low, high.below].compactMap(\.self),
      beyond: [low.below, high, high.nextDown].compactMap(\.self))
    return Self("from \(word(low)) to below \(word(high))", ends: ends) {
      range.contains($0) && Float($0) < Float(high)
    }
  }

  /// Likewise 1e-50 would be 0, which is not above 0.
  public static func above(_ bound: Double) -> Self {
    let ends = SettingEnds(
      within: [bound.above, .largest].compactMap(\.self), beyond: [bound, bound.nextUp])
    return Self("above \(word(bound))", ends: ends) { $0 > bound && Float($0) > Float(bound) }
  }
}

extension Requirement {
  /// For an optional key: what holds for the value where there is one.
  public static func ifPresent<Wrapped>(_ requirement: Requirement<Wrapped>) -> Self
  where Value == Wrapped? {
    return Self(
      expectation: "\(requirement.expectation), or null",
      ends: SettingEnds(
        within: [SettingNode(.null)] + requirement.ends.within, beyond: requirement.ends.beyond)
    ) { value in
      guard let value else { return true }
      return requirement.isSatisfied(value)
    }
  }

  /// For a list: how many elements it has, and what holds for each of them.
  public static func count<Element>(_ count: Int, each requirement: Requirement<Element>) -> Self
  where Value == [Element] {
    @Sendable func ends() -> SettingEnds {
      var ends = requirement.ends.map {
        SettingNode(.list([SettingNode](repeating: $0, count: count)))
      }
      if let some = requirement.ends.within.first {
        ends.beyond += [count - 1, count + 1].map {
          SettingNode(.list([SettingNode](repeating: some, count: $0)))
        }
      }
      return ends
    }
    return Self(
      expectation: "a list of \(count), each \(requirement.expectation)", ends: ends()
    ) { list in
      list.count == count && list.allSatisfy(requirement.isSatisfied)
    }
  }
}

extension Requirement {
  /// For a list, which may be empty: what holds for each of its elements.
  public static func elements<Element>(_ requirement: Requirement<Element>) -> Self
  where Value == [Element] {
    @Sendable func ends() -> SettingEnds {
      var ends = requirement.ends.map { SettingNode(.list([$0])) }
      ends.within.append(SettingNode(.list([])))
      return ends
    }
    return Self(expectation: "a list, each \(requirement.expectation)", ends: ends()) { list in
      list.allSatisfy(requirement.isSatisfied)
    }
  }

  /// For a list: at least one element, and what holds for each of them.
  public static func notEmptyList<Element>(each requirement: Requirement<Element>) -> Self
  where Value == [Element] {
    @Sendable func ends() -> SettingEnds {
      var ends = requirement.ends.map { SettingNode(.list([$0])) }
      ends.beyond.append(SettingNode(.list([])))
      return ends
    }
    return Self(
      expectation: "a list of at least one, each \(requirement.expectation)", ends: ends()
    ) { list in
      !list.isEmpty && list.allSatisfy(requirement.isSatisfied)
    }
  }
}

extension Requirement where Value == String {
  /// Text with at least one character.
  public static var notEmpty: Self {
    Self("that is not empty", ends: textEnds) { !$0.isEmpty }
  }

  /// The path of a file. Whether there is one is found out when it is opened.
  public static var path: Self {
    Self(expectation: "a path", ends: textEnds) { !$0.isEmpty }
  }

  /// Text has no longest value; what is longer than any name of a file is long enough to try.
  private static var textEnds: SettingEnds {
    SettingEnds(
      within: ["\u{0}", String(repeating: "a", count: 5000)].map { SettingNode(.text($0)) },
      beyond: [SettingNode(.text(""))])
  }
}
