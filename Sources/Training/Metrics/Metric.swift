import Foundation
import LockstepReporting

/// A figure of merit on held-out data beside the loss: how it follows from sums over all targets.
///
/// Each batch comes with its share of the sums (`BatchLoss.sums`); they are added up in the order of
/// the batches, so that the figure does not depend on the number of ranks.
public struct Metric: Sendable {
  /// Its key in `metrics.jsonl` and `summary.json`.
  public let key: String
  /// How many sums it needs.
  public let sumCount: Int
  /// The figure, from the loss and these sums; nil where it is not defined.
  public let value: @Sendable (_ loss: MeanLoss, _ sums: [Double]) -> Double?

  public init(
    _ key: String, sumCount: Int = 0,
    value: @escaping @Sendable (_ loss: MeanLoss, _ sums: [Double]) -> Double?
  ) {
    self.key = key
    self.sumCount = sumCount
    self.value = value
  }
}

/// A summed loss, and what it is a sum over.
public struct MeanLoss: Sendable, Equatable {
  /// Nats, for cross-entropies.
  public var sum: Double
  public var targetCount: Int

  public init(sum: Double, targetCount: Int) {
    self.sum = sum
    self.targetCount = targetCount
  }

  /// The mean loss of a target.
  public var mean: Double { sum / Double(max(1, targetCount)) }
}

extension Metric {
  /// e to the mean cross-entropy: as uncertain as a choice among so many.
  public static let perplexity = Metric("perplexity") { loss, _ in exp(loss.mean) }

  /// The cross-entropy in bits for each byte of the text that the targets stand for.
  ///
  /// Its sum: the bytes.
  public static let bitsPerByte = Metric("bits_per_byte", sumCount: 1) { loss, sums in
    sums[0] == 0 ? nil : loss.sum / (sums[0] * 0.693_147_180_559_945_3)
  }
}
