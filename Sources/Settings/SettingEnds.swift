/// Where the values of a key end: the outermost values that are allowed, and the nearest ones that are
/// not. Tests try them all, so a key that is declared is a key that is tried.
public struct SettingEnds: Sendable {
  /// Allowed by the key itself; a check between keys may refuse them.
  public var within: [SettingNode]
  /// Refused by the key itself.
  public var beyond: [SettingNode]

  /// - Parameters:
  ///   - within: Default: none are known.
  ///   - beyond: Default: none are known.
  public init(within: [SettingNode] = [], beyond: [SettingNode] = []) {
    self.within = within
    self.beyond = beyond
  }

  init(within: [some SettingConvertible], beyond: [some SettingConvertible]) {
    self.within = within.map(\.settingNode)
    self.beyond = beyond.map(\.settingNode)
  }

  /// Unquoted words.
  static func words(_ words: String...) -> [SettingNode] { words.map { SettingNode(.plain($0)) } }

  /// Of a choice of words; none where there are none.
  static func choices(_ choices: [ChoiceDescription]) -> SettingEnds {
    guard !choices.isEmpty else { return SettingEnds() }
    return SettingEnds(
      within: choices.map { SettingNode(.plain($0.name)) }, beyond: words("no-such-choice"))
  }

  /// The same ends of something that is written around such a value.
  func map(_ transform: (SettingNode) -> SettingNode) -> SettingEnds {
    SettingEnds(within: within.map(transform), beyond: beyond.map(transform))
  }
}

/// A number that has neighbours, so that ranges of it have ends.
public protocol SteppedSetting: SettingConvertible, Comparable {
  /// The largest that can be written.
  static var largest: Self { get }
  /// The next larger number; nil: there is none.
  var above: Self? { get }
  /// The next smaller number; nil: there is none.
  var below: Self? { get }
}

extension Int: SteppedSetting {
  public static var largest: Int { .max }
  public var above: Int? { self == .max ? nil : self + 1 }
  public var below: Int? { self == .min ? nil : self - 1 }
}

/// Neighbours are those of what is computed with, which has 24 bits.
extension Double: SteppedSetting {
  public static var largest: Double { .greatestFiniteMagnitude }
  public var above: Double? { Double(Float(self).nextUp) }
  public var below: Double? { Double(Float(self).nextDown) }
}
