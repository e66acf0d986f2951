/// A product of activations [rows, inner] with a weight [inner, columns].
public struct ProductShape: Hashable, Sendable {
  public let rows: Int
  public let inner: Int
  public let columns: Int

  public init(rows: Int, inner: Int, columns: Int) {
    self.rows = rows
    self.inner = inner
    self.columns = columns
  }

  public var multiplyAdds: Int { rows * inner * columns }
}

/// The matrix products of a forward pass: what a model's arithmetic is counted by.
///
/// Everything else (norms, activations, the optimiser) is two orders of magnitude less, and is not
/// counted. Nor is what an implementation computes twice, such as probabilities in the backward
/// pass of attention: the count belongs to the model, not to how it is computed.
public struct ForwardProducts: Equatable, Sendable {
  /// The products with weights, and how often each shape occurs; in the order of first use.
  public private(set) var weights: [(shape: ProductShape, count: Int)] = []
  /// Multiply-adds of products of activations with each other: those of attention.
  public private(set) var attentionMultiplyAdds = 0

  public init() {}

  /// Adds `count` products of [rows, inner] with [inner, columns].
  public mutating func add(rows: Int, inner: Int, columns: Int, count: Int = 1) {
    let shape = ProductShape(rows: rows, inner: inner, columns: columns)
    if let index = weights.firstIndex(where: { $0.shape == shape }) {
      weights[index].count += count
    } else {
      weights.append((shape, count))
    }
  }

  /// Adds products of activations with each other.
  package mutating func addAttention(multiplyAdds: Int) { attentionMultiplyAdds += multiplyAdds }

  /// Multiplications with additions of the forward pass.
  public var multiplyAdds: Int {
    weights.reduce(attentionMultiplyAdds) { $0 + $1.count * $1.shape.multiplyAdds }
  }

  public static func == (one: Self, other: Self) -> Bool {
    one.attentionMultiplyAdds == other.attentionMultiplyAdds
      && one.weights.elementsEqual(other.weights, by: ==)
  }
}
