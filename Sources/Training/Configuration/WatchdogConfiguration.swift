import LockstepCommunication
import LockstepSettings

/// The `watchdog` section: how long ranks wait for each other.
public struct WatchdogConfiguration: Configurable {
  /// Seconds of a wait until it is told; 0 says nothing.
  public var notice = 15
  /// Seconds of a wait until the run is ended; 0 waits for ever.
  public var end = 300

  public init() {}

  /// A year: what is longer is a mistake.
  private static let limit = 31_536_000

  public static var fields: [Field<Self>] {
    [
      Field(
        "notice", \.notice, .within(0...limit),
        meaning:
          "Seconds that ranks wait for one that does not come until a line on standard error names it; "
          + "`0` says nothing. In a first step, an evaluation and a checkpoint four times as long, while "
          + "data is read twelve times."),
      Field(
        "end", \.end, .within(0...limit),
        meaning:
          "Seconds that ranks wait until the run ends with exit code 1, after each rank has written down "
          + "what it was doing; `0` waits for ever. Longer at times, as `notice`."),
    ]
  }

  public func check(_ checks: inout SettingChecks) {
    checks.require(
      end == 0 || end >= notice, "end", "at least notice (\(notice)), or 0", involving: "notice")
  }

  /// As those that watch know it.
  public var limits: WatchLimits { WatchLimits(notice: .seconds(notice), end: .seconds(end)) }
}
