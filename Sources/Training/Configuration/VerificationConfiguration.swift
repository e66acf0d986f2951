import LockstepSettings

/// The `verify` section: how often hosts prove to each other that they hold the same parameters.
public struct VerificationConfiguration: Configurable {
  /// Optimiser steps from one comparison to the next; 0 compares never.
  public var every = 100

  public init() {}

  public static var fields: [Field<Self>] {
    [
      Field(
        "every", \.every, .count(from: 0),
        meaning:
          "Steps between comparisons; `0` never compares. A difference, which only broken memory or a "
          + "broken network makes, ends the run with exit code 1 and names host, tensor and step.")
    ]
  }
}
