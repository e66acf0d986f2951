import Foundation
import Tensors

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
  ///   - logits: [V], finite.
  ///   - position: The place in the text: each place has random numbers of its own.
  public func token(from logits: UnsafeBufferPointer<Float>, at position: Int) -> Int {
    precondition(!logits.isEmpty, "there is no token to choose from")
    let likeliest = { (best: Int, index: Int) in logits[index] > logits[best] ? index : best }
    guard options.temperature > 0 else { return logits.indices.reduce(0, likeliest) }

    // Likeliest first; among equals the smaller token first, so that the order is defined.
    let order = candidates(logits)
    let largest = Double(logits[order[0]])
    let weights = order.map { exp((Double(logits[$0]) - largest) / options.temperature) }
    let kept = nucleus(weights)
    let total = weights[..<kept].reduce(0, +)
    let stream = RandomStream(seed: options.seed, purpose: .sampling, step: position)
    var remaining = stream.uniform(at: 0) * total
    for index in 0..<kept {
      remaining -= weights[index]
      if remaining < 0 { return order[index] }
    }
    return order[kept - 1]
  }

  private func candidates(_ logits: UnsafeBufferPointer<Float>) -> [Int] {
    let order = logits.indices.sorted {
      logits[$0] != logits[$1] ? logits[$0] > logits[$1] : $0 < $1
    }
    return Array(order.prefix(options.topK ?? order.count))
  }

  /// How many of the weights, largest first, reach the probability `topP` together.
  private func nucleus(_ weights: [Double]) -> Int {
    guard let topP = options.topP else { return weights.count }
    let goal = weights.reduce(0, +) * topP
    var sum = 0.0
    for (index, weight) in weights.enumerated() {
      sum += weight
      if sum >= goal { return index + 1 }
    }
    return weights.count
  }
}
