/// A figure of merit beside the loss, such as an accuracy.
public struct MetricValue: Equatable, Sendable {
  /// Its key in `metrics.jsonl` and `summary.json`: `accuracy`.
  public var key: String
  public var value: Double

  public init(_ key: String, _ value: Double) {
    self.key = key
    self.value = value
  }
}

extension [MetricValue] {
  /// The metric of this key, where there is one.
  public subscript(key: String) -> Double? { first { $0.key == key }?.value }
}

extension MetricValue: CustomStringConvertible {
  /// For people: `accuracy 87.31 %`, `1.9300 bits/byte`, `r2 0.6511`.
  public var description: String {
    if key == "bits_per_byte" { return "\(Quantity.decimal(value, 4)) bits/byte" }
    let name = key.replacing("_", with: " ")
    if key.hasSuffix("accuracy") { return "\(name) \(Quantity.decimal(100 * value, 2)) %" }
    let hasTwoDecimals = ["perplexity", "bleu", "chrf"].contains(key)
    return "\(name) \(Quantity.decimal(value, hasTwoDecimals ? 2 : 4))"
  }
}
