/// In which order a file has the elements of a tensor that a model has in another.
public enum StoredOrder: Equatable, Sendable {
  /// The model's.
  case same
  /// Of a matrix: columns for rows.
  case transposed
  /// Of rows that belong to heads: the model has a head's first half and then its second, the file one row
  /// of each in turn. They are the pairs that rotary positions turn together.
  case interleaved(heads: Int)

  /// The shape in the file of a tensor that has `shape` in the model, and the other way round.
  package func shape(of shape: [Int]) -> [Int] { self == .transposed ? shape.reversed() : shape }

  /// Whether a tensor of this shape can be ordered so.
  package func suits(_ shape: [Int]) -> Bool {
    switch self {
    case .same: true
    case .transposed: shape.count == 2
    case .interleaved(let heads):
      heads > 0 && (shape.first ?? 0).isMultiple(of: 2 * heads)
    }
  }

  /// Brings elements from the file's order into the model's, or back.
  ///
  /// - Parameters:
  ///   - source: Of a tensor that this order suits.
  ///   - shape: The model's.
  ///   - target: As many elements, elsewhere.
  ///   - direction: Whose order the source has.
  func arrange(
    _ source: UnsafePointer<Float>, shape: [Int], into target: UnsafeMutablePointer<Float>,
    _ direction: Direction
  ) {
    let count = shape.reduce(1, *)
    switch self {
    case .same: target.update(from: source, count: count)
    case .transposed:
      let meant = (rows: shape[0], columns: shape[1])
      let (rows, columns) = direction == .toModel ? (meant.columns, meant.rows) : meant
      Self.transpose(source, rows: rows, columns: columns, into: target)
    case .interleaved(let heads):
      let half = shape[0] / heads / 2
      let columns = count / max(shape[0], 1)
      for row in 0..<shape[0] {
        let (head, place) = (row / (2 * half), row % (2 * half))
        let stored = head * 2 * half + 2 * (place % half) + place / half
        let (from, to) = direction == .toModel ? (stored, row) : (row, stored)
        (target + to * columns).update(from: source + from * columns, count: columns)
      }
    }
  }

  enum Direction {
    case toModel
    case toFile
  }

  /// Squares at a time, which lie in the cache.
  private static func transpose(
    _ source: UnsafePointer<Float>, rows: Int, columns: Int,
    into target: UnsafeMutablePointer<Float>
  ) {
    let side = 32
    for top in stride(from: 0, to: rows, by: side) {
      for left in stride(from: 0, to: columns, by: side) {
        for row in top..<min(top + side, rows) {
          for column in left..<min(left + side, columns) {
            target[column * rows + row] = source[row * columns + column]
          }
        }
      }
    }
  }
}
