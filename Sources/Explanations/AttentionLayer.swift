import LockstepTensors

/// What each query of an attention layer gives to each key, head by head.
public struct AttentionLayer: Codable, Sendable, Equatable {
  /// The texts of an encoder-decoder.
  public enum Side: String, Codable, Sendable {
    case source
    case target
  }

  public let name: String
  /// Where it looks from; nil where there is one text only.
  public let queries: Side?
  /// Where it looks; nil where there is one text only.
  public let keys: Side?
  /// [H][T][S] without the zeros at the end of a row: a causal row has a number for itself and each
  /// position before. Rounded to six decimals.
  public let heads: [[[Double]]]

  /// - Parameters:
  ///   - name: Begins with "encoder" or "decoder" in a model that has both.
  ///   - probabilities: [1, H, T, S].
  init(name: String, probabilities: Tensor) {
    self.name = name
    let isEncoder = name.hasPrefix("encoder ")
    queries = isEncoder ? .source : name.hasPrefix("decoder ") ? .target : nil
    keys = isEncoder || name.hasSuffix(" cross-attention") ? .source : queries
    let shape = probabilities.shape
    let (headCount, queries, keys) = (shape[1], shape[2], shape[3])
    heads = probabilities.withElements { elements in
      (0..<headCount).map { head in
        (0..<queries).map { query in
          let start = (head * queries + query) * keys
          let row = elements[start..<start + keys]
          let end = row.lastIndex { $0 != 0 }.map { $0 + 1 } ?? start
          return row[..<end].map { Double($0).rounded(decimals: 6) }
        }
      }
    }
  }

  /// H.
  public var headCount: Int { heads.count }
}

/// How much of each input position reaches each position of the last layer through attention alone:
/// "attention rollout" (Abnar and Zuidema, "Quantifying attention flow in transformers", 2020).
///
/// Each layer is taken as the mean of its heads, half and half with what the residual connection
/// passes by: R = Π (P̄ + I) / 2, the last layer leftmost.
public struct AttentionRollout {
  /// [T][T]; each row sums to 1.
  public let rows: [[Double]]

  /// - Parameter layers: Each [1, H, T, T], in the order of the forward pass.
  public init(_ layers: [Tensor]) {
    let count = layers.first?.shape[2] ?? 0
    var product = (0..<count).map { row in (0..<count).map { $0 == row ? 1.0 : 0 } }
    for layer in layers {
      let heads = layer.shape[1]
      product = layer.withElements { elements in
        (0..<count).map { query in
          var result = product[query].map { $0 / 2 }
          for key in 0..<count {
            let weights = (0..<heads).map {
              Double(elements[($0 * count + query) * count + key])
            }
            let share = weights.reduce(0, +) / Double(2 * heads)
            for column in 0..<count { result[column] += share * product[key][column] }
          }
          return result
        }
      }
    }
    rows = product
  }

  /// The mean over the positions of the last layer, [T]: what a model that takes the mean over all
  /// positions looks at.
  public var mean: [Double] {
    rows.indices.map { column in
      rows.reduce(0) { $0 + $1[column] } / Double(rows.count)
    }
  }
}

extension Double {
  /// The nearest number of so many decimals.
  func rounded(decimals: Int) -> Double {
    let scale = (0..<decimals).reduce(1.0) { scale, _ in scale * 10 }
    return (self * scale).rounded() / scale
  }
}
