import LockstepSettings

/// The `report` section: what a run writes for those who watch it, beside `metrics.jsonl`.
public struct ReportConfiguration: Configurable {
  /// Whether the run writes event files for TensorBoard.
  public var tensorboard = true
  /// Optimiser steps from one set of distributions to the next; 0 writes none.
  public var histogramsEvery = 0

  public init() {}

  public static var fields: [Field<Self>] {
    [
      Field(
        "tensorboard", \.tensorboard,
        meaning:
          "Whether the run writes event files for TensorBoard, to `tensorboard/` in its directory."),
      Field(
        "histograms_every", \.histogramsEvery, .count(from: 0),
        meaning:
          "Steps between distributions of each tensor's parameters, gradients and updates in TensorBoard; "
          + "`0` writes none."),
    ]
  }

  public func check(_ checks: inout SettingChecks) {
    checks.require(
      histogramsEvery == 0 || tensorboard, "histograms_every",
      "0, because tensorboard is false and nothing else shows them", involving: "tensorboard")
  }
}
