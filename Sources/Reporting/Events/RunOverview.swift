/// What a run is about to do.
public struct RunOverview: Equatable, Sendable {
  /// A labelled line of the configuration's summary.
  public struct Line: Equatable, Sendable {
    /// One word, such as `model`.
    public let label: String
    /// Such as `gpt, 4 layers, 4 heads, width 256, context 128`.
    public let text: String

    public init(_ label: String, _ text: String) {
      self.label = label
      self.text = text
    }
  }

  /// A checkpoint that was passed over on resuming, and why.
  public struct Skipped: Equatable, Sendable {
    public let path: String
    public let reason: String

    public init(path: String, reason: String) {
      self.path = path
      self.reason = reason
    }
  }

  /// How ranks were made, for the headline: `2 ranks over MPI on 1 host`.
  public var mode: String
  public var ranks: Int
  /// Threads of each rank.
  public var threads: Int
  /// Elements of all parameters together.
  public var parameterCount: Int
  /// Optimiser steps of the whole run.
  public var steps: Int
  /// What the targets are, which are counted: "tokens" or "samples".
  public var unit: String
  /// What else there is to know, in the order of printing.
  public var lines: [Line]
  /// Nil where nothing is saved.
  public var runDirectory: String?
  /// The step that a resumed run goes on from; nil for a new run.
  public var resumedStep: Int?
  /// Newest first.
  public var skipped: [Skipped]
  /// The keys of the configuration that decide the result.
  public var hyperparameters: [Hyperparameter]

  public init(
    mode: String, ranks: Int, threads: Int, parameterCount: Int, steps: Int,
    unit: String = "tokens",
    lines: [Line], runDirectory: String?, resumedStep: Int? = nil, skipped: [Skipped] = [],
    hyperparameters: [Hyperparameter] = []
  ) {
    self.mode = mode
    self.ranks = ranks
    self.threads = threads
    self.parameterCount = parameterCount
    self.steps = steps
    self.unit = unit
    self.lines = lines
    self.runDirectory = runDirectory
    self.resumedStep = resumedStep
    self.skipped = skipped
    self.hyperparameters = hyperparameters
  }
}
