import Settings

/// The `evaluate` section: when the held-out loss is measured, and on how much.
public struct EvaluationConfiguration: Configurable {
  /// Optimiser steps between evaluations; 0 evaluates after the last step only.
  public var every = 100
  /// Batches of `batch.sequences` sequences, from the start of the file; 0 takes the whole file.
  public var batches = 16

  public init() {}

  public static var fields: [Field<Self>] {
    [
      Field(
        "every", \.every, .atLeast(0),
        meaning: "Steps between evaluations; `0` evaluates after the last step only."),
      Field(
        "batches", \.batches, .atLeast(0),
        meaning:
          "Batches of `batch.sequences` sequences in an evaluation, from the start of the file; "
          + "`0` takes the whole file. The evaluation after the last step always does."),
    ]
  }
}
