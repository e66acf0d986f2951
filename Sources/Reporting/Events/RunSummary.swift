/// What a run came to: `summary.json`.
public struct RunSummary: Codable, Equatable, Sendable {
  /// Optimiser steps taken.
  public var steps: Int
  /// Targets trained on: tokens, samples or preferences; over all ranks and resumptions.
  public var tokens: Int
  /// Mean loss of a target in the last step; of a language model in nats per token.
  public var loss: Double?
  /// Mean loss of a target in the last evaluation; of a language model in nats per token.
  public var validationLoss: Double?
  /// What the task measured beside that loss, sorted by key: each is a member of its own.
  public var metrics: [MetricValue] = []
  /// SHA-256 of all parameters' bytes in name order: equal runs have equal ones.
  public var parametersSHA256: String
  /// Targets a second, over all ranks, since this process began.
  public var tokensPerSecond: Double
  /// Floating-point operations of the model's matrix products a second, in 10⁹, over all ranks, since
  /// this process began; nil where the run was too short to tell, or multiplies no weight.
  public var gigaflops: Double?
  /// The most that the arithmetic of the processors can do on all ranks and threads together, in 10⁹
  /// operations a second; measured at the end of the run, nil where `gigaflops` is.
  public var peakGigaflops: Double?
  /// `gigaflops` as a share of `peakGigaflops`, in 0 ... 1.
  public var peakShare: Double?
  /// Seconds spent training, over all resumptions.
  public var seconds: Double
  public var ranks: Int
  /// Threads of each rank.
  public var threads: Int
  /// Elements of all parameters together.
  public var parameters: Int
  /// What a small model has learned, in the units of the data; nil where people could not read it.
  public var formula: String?
  /// Which weights the run ends with, where they are not the trained ones: `average` or `best`. The loss on
  /// held-out data and the hash are theirs.
  public var weights: String?
  /// What of the training is private; nil: nothing.
  public var privacy: PrivacySummary?
  /// What computed last, on rank zero; nil in summaries from before it was written.
  public var provenance: Provenance?

  public init(
    steps: Int, tokens: Int, loss: Double?, validationLoss: Double? = nil,
    metrics: [MetricValue] = [], parametersSHA256: String, tokensPerSecond: Double,
    gigaflops: Double? = nil, peakGigaflops: Double? = nil, peakShare: Double? = nil,
    seconds: Double, ranks: Int, threads: Int, parameters: Int, formula: String? = nil,
    weights: String? = nil, privacy: PrivacySummary? = nil,
    provenance: Provenance? = nil
  ) {
    self.steps = steps
    self.tokens = tokens
    self.loss = loss
    self.validationLoss = validationLoss
    self.metrics = metrics.sorted { $0.key < $1.key }
    self.parametersSHA256 = parametersSHA256
    self.tokensPerSecond = tokensPerSecond
    self.gigaflops = gigaflops
    self.peakGigaflops = peakGigaflops
    self.peakShare = peakShare
    self.seconds = seconds
    self.ranks = ranks
    self.threads = threads
    self.parameters = parameters
    self.formula = formula
    self.weights = weights
    self.privacy = privacy
    self.provenance = provenance
  }

  /// The loss in bits per byte of the text; nil where bytes mean nothing.
  public var bitsPerByte: Double? { metrics["bits_per_byte"] }

  enum CodingKeys: String, CodingKey, CaseIterable {
    case steps, tokens, loss, seconds, ranks, threads, parameters, formula, weights, privacy
    case validationLoss = "validation_loss"
    case parametersSHA256 = "parameters_sha256"
    case tokensPerSecond = "tokens_per_second"
    case gigaflops = "gflops"
    case peakGigaflops = "peak_gflops"
    case peakShare = "peak_share"
    case provenance = "lockstep"
  }
}
