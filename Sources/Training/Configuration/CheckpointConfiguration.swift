import LockstepSettings

/// The `checkpoint` section: when the run is saved, and how much of its past is kept.
public struct CheckpointConfiguration: Configurable {
  /// Optimiser steps between checkpoints; 0 saves after the last step and on a signal only.
  public var every = 250
  /// Newest checkpoints that are kept.
  public var keep = 3
  /// Whether checkpoints are encrypted, with the key that the command is given.
  public var encrypt = false

  public init() {}

  public static var fields: [Field<Self>] {
    [
      Field(
        "every", \.every, .count(from: 0),
        meaning:
          "Steps between checkpoints; `0` saves after the last step and when a signal stops the run."
      ),
      Field(
        "keep", \.keep, .count(from: 1), meaning: "Newest checkpoints kept; older ones are deleted."
      ),
      Field(
        "encrypt", \.encrypt,
        meaning:
          "Whether checkpoints are encrypted, with the key that `--key-file` and its like give "
          + "(see encryption.md)."),
    ]
  }
}
