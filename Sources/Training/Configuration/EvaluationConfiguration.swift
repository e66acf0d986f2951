import LockstepSettings

/// The `evaluate` section: when the held-out loss is measured, and on how much.
public struct EvaluationConfiguration: Configurable {
  /// Optimiser steps between evaluations; 0 evaluates after the last step only.
  public var every = 100
  /// Batches of `batch.sequences` sequences, from the start of the file; 0 takes the whole file.
  public var batches = 16
  /// k of the top-k accuracy of a classification; of no more than 1, or no fewer than there are
  /// classes, it is not measured.
  public var topK = 5
  /// Whether a translation run translates the held-out texts, for BLEU and chrF.
  public var bleu = false

  public init() {}

  public static var fields: [Field<Self>] {
    [
      Field(
        "every", \.every, .count(from: 0),
        meaning: "Steps between evaluations; `0` evaluates after the last step only."),
      Field(
        "batches", \.batches, .count(from: 0),
        meaning:
          "Batches of `batch.sequences` sequences or samples in an evaluation, from the start of the file; "
          + "`0` takes the whole file. The evaluation after the last step always does."),
      Field(
        "top_k", \.topK, .count(from: 1),
        meaning:
          "A classification also measures how often the right class is among this many of the "
          + "likeliest; not where there are no more classes than that."),
      Field(
        "bleu", \.bleu,
        meaning:
          "A translation also measures BLEU and chrF, as sacrebleu does, of greedy translations of the "
          + "held-out texts."),
    ]
  }
}
