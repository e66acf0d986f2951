/// What a run came to: `summary.json`.
public struct RunSummary: Codable, Equatable, Sendable {
  /// Optimiser steps taken.
  public var steps: Int
  /// Target tokens trained on, over all ranks and resumptions.
  public var tokens: Int
  /// Training loss of the last step, in nats per token.
  public var loss: Double?
  /// Loss of the last evaluation, in nats per token.
  public var validationLoss: Double?
  /// What the task measured beside that loss, sorted by key: each is a member of its own.
  public var metrics: [MetricValue] = []
  /// SHA-256 of all parameters' bytes in name order: equal runs have equal ones.
  public var parametersSHA256: String
  /// Target tokens a second, over all ranks, since this process began.
  public var tokensPerSecond: Double
  /// The share of the time since this process began that plain matrix products of the same number
  /// of operations would take, at `sgemmGigaflops`; nil where the run was too short to tell, or the
  /// task does not say what it computes.
  public var floorFraction: Double?
  /// The speed of plain matrix products (SGEMM) of the model's shapes, of all ranks and threads
  /// together, in 10⁹ operations a second; measured at the end of the run.
  public var sgemmGigaflops: Double?
  /// Seconds spent training, over all resumptions.
  public var seconds: Double
  public var ranks: Int
  /// Threads of each rank.
  public var threads: Int
  /// Elements of all parameters together.
  public var parameters: Int
  /// What computed last, on rank zero; nil in summaries from before it was written.
  public var provenance: Provenance?

  public init(
    steps: Int, tokens: Int, loss: Double?, validationLoss: Double? = nil,
    metrics: [MetricValue] = [], parametersSHA256: String, tokensPerSecond: Double,
    floorFraction: Double? = nil, sgemmGigaflops: Double? = nil, seconds: Double, ranks: Int,
    threads: Int, parameters: Int, provenance: Provenance? = nil
  ) {
    self.steps = steps
    self.tokens = tokens
    self.loss = loss
    self.validationLoss = validationLoss
    self.metrics = metrics.sorted { $0.key < $1.key }
    self.parametersSHA256 = parametersSHA256
    self.tokensPerSecond = tokensPerSecond
    self.floorFraction = floorFraction
    self.sgemmGigaflops = sgemmGigaflops
    self.seconds = seconds
    self.ranks = ranks
    self.threads = threads
    self.parameters = parameters
    self.provenance = provenance
  }

  /// The loss in bits per byte of the text; nil where bytes mean nothing.
  public var bitsPerByte: Double? { metrics["bits_per_byte"] }

  enum CodingKeys: String, CodingKey, CaseIterable {
    case steps, tokens, loss, seconds, ranks, threads, parameters
    case validationLoss = "validation_loss"
    case parametersSHA256 = "parameters_sha256"
    case tokensPerSecond = "tokens_per_second"
    case floorFraction = "floor_fraction"
    case sgemmGigaflops = "sgemm_gflops"
    case provenance = "lockstep"
  }
}
