import Foundation

extension Naive {
  /// Heads side by side in the columns of an array [B, rows, columns].
  public struct Heads {
    public let elements: [Double]
    public let rows: Int
    public let columns: Int
    public let offset: Int
    public let count: Int
    public let width: Int

    public init(
      _ elements: [Double], rows: Int, columns: Int, offset: Int = 0, count: Int, width: Int
    ) {
      self.elements = elements
      self.rows = rows
      self.columns = columns
      self.offset = offset
      self.count = count
      self.width = width
    }

    var sequences: Int { elements.count / rows / columns }

    func place(_ sequence: Int, _ row: Int, _ head: Int, _ column: Int) -> Int {
      (sequence * rows + row) * columns + offset + head * width + column
    }

    func vector(_ sequence: Int, _ row: Int, _ head: Int) -> ArraySlice<Double> {
      let start = place(sequence, row, head, 0)
      return elements[start..<start + width]
    }
  }

  /// softmax(Q Kᵀ / √K) V for each head, with all scores of a query at once.
  ///
  /// - Parameters:
  ///   - isCausal: Query t sees keys 0 ... t + (keys - queries).
  ///   - factor: What the weight of (sequence, head, query, key) is multiplied by after the softmax:
  ///     dropout's mask.
  /// - Returns: [B, T, H · K].
  public static func attention(
    _ queries: Heads, _ keys: Heads, _ values: Heads, isCausal: Bool,
    factor: (_ sequence: Int, _ head: Int, _ query: Int, _ key: Int) -> Double = { _, _, _, _ in 1 }
  ) -> [Double] {
    var result: [Double] = []
    let shared = queries.count / keys.count
    for sequence in 0..<queries.sequences {
      for query in 0..<queries.rows {
        for head in 0..<queries.count {
          let visible = isCausal ? query + 1 + keys.rows - queries.rows : keys.rows
          let q = queries.vector(sequence, query, head)
          let scores = (0..<visible).map { key in
            zip(q, keys.vector(sequence, key, head / shared)).reduce(0) { $0 + $1.0 * $1.1 }
              / Double(queries.width).squareRoot()
          }
          let largest = scores.max() ?? 0
          let weights = scores.map { exp($0 - largest) }
          let total = weights.reduce(0, +)
          var output = [Double](repeating: 0, count: queries.width)
          for key in 0..<visible {
            let weight = weights[key] / total * factor(sequence, head, query, key)
            for (column, value) in values.vector(sequence, key, head / shared).enumerated() {
              output[column] += weight * value
            }
          }
          result += output
        }
      }
    }
    return result
  }

  /// Llama's rotary embedding of heads: columns j and j + K / 2 turn by (start + t) · base^(-2j / K).
  ///
  /// - Returns: [B, T, H · K].
  public static func rotary(_ heads: Heads, base: Double, start: Int) -> [Double] {
    var result: [Double] = []
    let half = heads.width / 2
    for sequence in 0..<heads.sequences {
      for row in 0..<heads.rows {
        for head in 0..<heads.count {
          let x = Array(heads.vector(sequence, row, head))
          let angles = (0..<half).map {
            Double(start + row) * pow(base, -2 * Double($0) / Double(heads.width))
          }
          result += (0..<half).map { x[$0] * cos(angles[$0]) - x[$0 + half] * sin(angles[$0]) }
          result += (0..<half).map { x[$0 + half] * cos(angles[$0]) + x[$0] * sin(angles[$0]) }
        }
      }
    }
    return result
  }
}
