import LockstepSettings

/// The `parameters` section: keys of the configuration, in the order written, and what each is to
/// be.
public struct SweptParameters: SettingConvertible, Equatable {
  public struct Parameter: Equatable, Sendable {
    /// A dotted path: `optimizer.learning_rate`.
    public let key: String
    public let domain: ParameterDomain
    /// Where it was written.
    let origin: SettingOrigin?

    public static func == (left: Self, right: Self) -> Bool {
      left.key == right.key && left.domain == right.domain
    }
  }

  public var parameters: [Parameter] = []

  public static var expectation: String { "a map of keys of the configuration" }

  public static func decode(
    _ node: SettingNode, over current: Self?, at path: SettingPath,
    reporting violations: inout [Violation]
  ) -> Self? {
    if case .null = node.content { return Self() }
    guard let entries = node.entries else {
      violations.append(
        Violation(
          .wrongValue(found: node.summary, expected: expectation), at: path, origin: node.origin))
      return nil
    }
    var read = Self()
    var isWhole = true
    for entry in entries {
      let place = path.appending(entry.key)
      if let first = read.parameters.first(where: { $0.key == entry.key }) {
        violations.append(
          Violation(.duplicateKey(first: first.origin), at: place, origin: entry.origin))
      }
      let domain = ParameterDomain.decode(
        entry.value, over: nil, at: place, reporting: &violations)
      if let domain {
        read.parameters.append(
          Parameter(key: entry.key, domain: domain, origin: entry.origin ?? entry.value.origin))
      } else {
        isWhole = false
      }
    }
    return isWhole ? read : nil
  }

  public var settingNode: SettingNode {
    SettingNode(.map(parameters.map { SettingNode.Entry($0.key, $0.domain.settingNode) }))
  }

  public static func describeKeys(of example: Self?) -> [KeyDescription] {
    ParameterDomain.keyDescriptions
  }
}

/// What a parameter may be: one of some values, or a number in a range.
public struct ParameterDomain: Configurable {
  public enum Scale: String, SettingChoice {
    case linear
    case log

    public var documentation: String {
      switch self {
      case .linear: "Every part of the range is as likely as another of its length."
      case .log: "Every factor is: from 0.001 to 0.01 as likely as from 0.01 to 0.1."
      }
    }
  }

  public var values: [SettingNode] = []
  public var low: Double?
  public var high: Double?
  public var scale = Scale.linear
  public var integer = false

  public init() {}

  public static var fields: [Field<Self>] {
    [
      Field(
        "values", \.values,
        meaning: "The values to try, each as the key takes it; or instead `low` and `high`."),
      Field("low", \.low, meaning: "The lower end of a range."),
      Field("high", \.high, meaning: "The upper end of a range."),
      Field("scale", \.scale, meaning: "How a range is drawn from."),
      Field("integer", \.integer, meaning: "Whether only whole numbers of a range are drawn."),
    ]
  }

  public func check(_ checks: inout SettingChecks) {
    let isRange = low != nil || high != nil
    checks.require(
      !values.isEmpty || isRange, "values", "a list of at least one, or low and high",
      involving: "low", "high")
    checks.require(
      values.isEmpty || !isRange, "values", "a list, or low and high, but not both",
      involving: "low", "high")
    guard isRange, values.isEmpty else { return }
    guard let low, let high else {
      return checks.require(
        false, low == nil ? "low" : "high", "a number, for a range has both ends")
    }
    checks.require(low < high, "low", "below high (\(high))", involving: "high")
    checks.require(
      scale == .linear || low > 0, "low", "above 0, because scale is log", involving: "scale")
    let areWhole = [low, high].allSatisfy { $0 == $0.rounded() && abs($0) < 0x1p53 }
    checks.require(
      !integer || areWhole, "low", "a whole number, as high, because integer is true",
      involving: "high", "integer")
  }
}
