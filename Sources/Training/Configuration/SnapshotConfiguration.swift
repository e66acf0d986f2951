import LockstepSettings

/// The `snapshot` section: how often the state is held in the memory of the hosts, so that after a loss
/// it need not be read from disk.
public struct SnapshotConfiguration: Configurable {
  /// Optimiser steps from one snapshot to the next; 0 takes none.
  public var every = 0

  public init() {}

  public static var fields: [Field<Self>] {
    [
      Field(
        "every", \.every, .count(from: 0),
        meaning:
          "Steps between snapshots in the hosts' memory under `lockstep supervise`; `0` takes none. A host then "
          + "holds the parameters twice more, and twice the optimiser's states of its own ranks and of "
          + "another host's.")
    ]
  }
}
