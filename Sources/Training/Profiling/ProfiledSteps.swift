import LockstepSettings

/// The steps whose timeline is recorded: `--profile 10` or `--profile 10-14`.
public struct ProfiledSteps: Equatable, Sendable {
  /// Numbers of steps, from 1.
  public let range: ClosedRange<Int>

  /// The most steps: a timeline of more is too large to be looked at.
  public static let limit = 100

  public init?(_ text: String) {
    let ends = text.split(separator: "-", omittingEmptySubsequences: false).map { Int($0) }
    guard let first = ends.first ?? nil, let last = ends.last ?? nil, ends.count <= 2, first >= 1,
      last >= first, last - first < Self.limit
    else { return nil }
    range = first...last
  }
}

extension ProfiledSteps: CustomStringConvertible {
  /// "step 10", "steps 10 to 14".
  public var description: String {
    range.count == 1
      ? "step \(range.lowerBound)" : "steps \(range.lowerBound) to \(range.upperBound)"
  }
}
