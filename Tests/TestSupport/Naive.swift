import Foundation

/// The operations as their formulas say, in plain loops over row-major arrays of doubles.
public enum Naive {
  /// The product of a [rows, inner] and b [inner, columns].
  public static func product(
    _ a: [Double], _ b: [Double], rows: Int, inner: Int, columns: Int
  ) -> [Double] {
    var result = [Double](repeating: 0, count: rows * columns)
    for row in 0..<rows {
      for column in 0..<columns {
        for k in 0..<inner {
          result[row * columns + column] += a[row * inner + k] * b[k * columns + column]
        }
      }
    }
    return result
  }

  /// A matrix [rows, columns] as [columns, rows].
  public static func transposed(_ a: [Double], rows: Int, columns: Int) -> [Double] {
    (0..<columns).flatMap { column in (0..<rows).map { a[$0 * columns + column] } }
  }

  /// x W + b for x [rows, inputs], W [inputs, outputs].
  public static func linear(
    _ x: [Double], weight: [Double], bias: [Double]?, rows: Int, inputs: Int, outputs: Int
  ) -> [Double] {
    let sums = product(x, weight, rows: rows, inner: inputs, columns: outputs)
    guard let bias else { return sums }
    return sums.enumerated().map { $0.element + bias[$0.offset % outputs] }
  }

  /// Layer norm of rows of as many columns as the weight has.
  public static func layerNorm(
    _ x: [Double], weight: [Double], bias: [Double], epsilon: Double
  ) -> [Double] {
    rows(of: x, columns: weight.count).flatMap { row in
      let mean = row.reduce(0, +) / Double(row.count)
      let variance = row.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(row.count)
      return row.indices.map {
        (row[$0] - mean) / (variance + epsilon).squareRoot() * weight[$0] + bias[$0]
      }
    }
  }

  /// RMS norm of rows of as many columns as the weight has.
  public static func rmsNorm(_ x: [Double], weight: [Double], epsilon: Double) -> [Double] {
    rows(of: x, columns: weight.count).flatMap { row in
      let meanSquare = row.reduce(0) { $0 + $1 * $1 } / Double(row.count)
      return row.indices.map { row[$0] / (meanSquare + epsilon).squareRoot() * weight[$0] }
    }
  }

  /// The exact GELU, x Φ(x).
  public static func gelu(_ x: Double) -> Double {
    0.5 * x * erfc(-x / 2.0.squareRoot())
  }

  /// GPT-2's approximation of GELU.
  public static func geluTanh(_ x: Double) -> Double {
    0.5 * x * (1 + tanh((2 / Double.pi).squareRoot() * (x + 0.044715 * x * x * x)))
  }

  public static func silu(_ x: Double) -> Double { x / (1 + exp(-x)) }

  /// -Σ (1 - ε) log softmax(row)[target] + ε mean(log softmax(row)) over the rows of logits with a
  /// target that is not negative.
  public static func crossEntropy(
    _ logits: [Double], targets: [Int32], classes: Int, smoothing: Double = 0
  ) -> Double {
    zip(rows(of: logits, columns: classes), targets).reduce(0) { sum, pair in
      let (row, target) = pair
      guard target >= 0 else { return sum }
      let largest = row.max() ?? 0
      let logSum = log(row.reduce(0) { $0 + exp($1 - largest) }) + largest
      let mean = row.reduce(0, +) / Double(classes)
      return sum + logSum - (1 - smoothing) * row[Int(target)] - smoothing * mean
    }
  }

  /// The array cut into rows.
  public static func rows(of x: [Double], columns: Int) -> [[Double]] {
    stride(from: 0, to: x.count, by: columns).map { Array(x[$0..<$0 + columns]) }
  }
}
