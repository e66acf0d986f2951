import CLockstepKernels
import LockstepTensors

/// How the next token is chosen from its probabilities.
public struct SamplingOptions: Sendable, Hashable {
  /// Divides the logits; 0 always takes the likeliest token (greedy).
  public var temperature: Double
  /// Only this many of the likeliest tokens take part; nil: all.
  public var topK: Int?
  /// Only the smallest set of likeliest tokens with at least this probability together takes part
  /// (Holtzman et al., 2020); nil: all.
  public var topP: Double?
  /// Decides all choices: the same seed, prompt and model give the same text.
  public var seed: UInt64

  /// - Parameters:
  ///   - temperature: At least 0. Default: 1.
  ///   - topK: At least 1. Default: nil.
  ///   - topP: In 0 < p ≤ 1. Default: nil.
  ///   - seed: Default: 0.
  public init(temperature: Double = 1, topK: Int? = nil, topP: Double? = nil, seed: UInt64 = 0) {
    precondition(temperature >= 0, "a temperature is at least 0, not \(temperature)")
    precondition(topK.map { $0 >= 1 } ?? true, "top-k keeps at least 1 token")
    precondition(topP.map { 0 < $0 && $0 <= 1 } ?? true, "top-p is in 0 < p ≤ 1")
    self.temperature = temperature
    self.topK = topK
    self.topP = topP
    self.seed = seed
  }
}

/// Chooses tokens from logits: greedy, or at random among the likeliest.
public struct TokenSampler: Sendable {
  public let options: SamplingOptions

  public init(_ options: SamplingOptions = SamplingOptions()) {
    self.options = options
  }

  /// The token at one position of a text.
  ///
  /// - Parameters:
  ///   - logits: [V].
  ///   - position: The place in the text: each place has random numbers of its own.
  ///   - text: Which of several texts: so has each text. Default: 0.
  /// - Throws: `NotFiniteLogitsError`.
  public func token(
    from logits: UnsafeBufferPointer<Float>, at position: Int, of text: Int = 0
  ) throws(NotFiniteLogitsError) -> Int {
    precondition(!logits.isEmpty, "there is no token to choose from")
    try logits.requireFinite(text: text, position: position)
    let likeliest = { (best: Int, index: Int) in logits[index] > logits[best] ? index : best }
    let first = logits.indices.reduce(0, likeliest)
    guard options.temperature > 0 else { return first }
    var choices = Choices(logits, largest: logits[first], options)
    var mass = choices.mass
    if let topP = options.topP { mass = choices.first(reaching: topP * mass).mass }
    let stream = RandomStream(
      seed: options.seed, purpose: .sampling, step: position, microbatch: text)
    return choices.first(reaching: stream.uniform(at: 0) * mass).token
  }
}

/// The tokens that take part, the likeliest first, of equally likely ones the smaller first.
///
/// Few tokens have nearly all of the probability: only these are sorted at first, the others when the
/// choice falls among them. It is the choice among all tokens sorted.
private struct Choices {
  private let logits: UnsafeBufferPointer<Float>
  private let topK: Int
  /// e^((logit - largest) / temperature).
  private let weights: [Float]
  /// Tokens of at least this weight are sorted at first.
  private static let depth: Float = 1e-5
  /// The likeliest ones, sorted; in the end all.
  private var order: [Int]

  init(_ logits: UnsafeBufferPointer<Float>, largest: Float, _ options: SamplingOptions) {
    self.logits = logits
    topK = min(options.topK ?? logits.count, logits.count)
    let exponents = logits.map { Float(Double($0 - largest) / options.temperature) }
    weights = [Float](unsafeUninitializedCapacity: logits.count) { weights, count in
      CKernels_exponential(exponents, weights.baseAddress, Int64(logits.count))
      count = logits.count
    }
    order = []
    order = sorted { $0 >= Self.depth }
    if order.count < topK && topK < logits.count { sortAll() }
  }

  /// The weights of all that take part.
  var mass: Double {
    topK < logits.count
      ? order.prefix(topK).reduce(0) { $0 + Double(weights[$1]) }
      : weights.reduce(0) { $0 + Double($1) }
  }

  /// The first token with which the weights reach `goal`, and what they then are; the last one where
  /// they never do.
  mutating func first(reaching goal: Double) -> (token: Int, mass: Double) {
    var (mass, rank) = (0.0, 0)
    while true {
      mass += Double(weights[order[rank]])
      if mass >= goal || rank == topK - 1 { return (order[rank], mass) }
      rank += 1
      if rank == order.count { sortAll() }
    }
  }

  private mutating func sortAll() {
    order += sorted { !($0 >= Self.depth) }
  }

  private func sorted(where takesPart: (Float) -> Bool) -> [Int] {
    logits.indices.filter { takesPart(weights[$0]) }
      .sorted { logits[$0] != logits[$1] ? logits[$0] > logits[$1] : $0 < $1 }
  }
}
