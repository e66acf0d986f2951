import CLockstepKernels

/// The likeliest columns of each row of logits, the likeliest first; of equally likely ones the smaller
/// comes first.
public struct LikeliestColumns {
  /// How many there are of each row.
  public let count: Int
  private let places: [Int32]
  private let logProbabilities: [Double]

  /// One of a row's columns, by its rank in 0 ..< `count`, with its log-probability in nats.
  public subscript(row: Int, rank: Int) -> (column: Int32, logProbability: Double) {
    precondition(
      0..<count ~= rank, "rank \(rank) is not among the \(count) likeliest columns of a row")
    let place = row * count + rank
    return (places[place], logProbabilities[place])
  }

  fileprivate init(_ logits: Tensor, count: Int, among columns: Int) {
    self.count = count
    let (rows, stride) = (logits.shape.rows, logits.shape.last)
    var places = [Int32](repeating: 0, count: rows * count)
    var logProbabilities = [Double](repeating: 0, count: rows * count)
    places.withUnsafeMutableBufferPointer { places in
      logProbabilities.withUnsafeMutableBufferPointer { logProbabilities in
        let (places, logProbabilities) = (places.baseAddress, logProbabilities.baseAddress)
        guard let places, let logProbabilities else { return }
        logits.workspace.threads.run(tasks: rows) { row in
          CKernels_likeliest(
            logits.pointer + row * stride, Int64(columns), Int64(count), places + row * count,
            logProbabilities + row * count)
        }
      }
    }
    self.places = places
    self.logProbabilities = logProbabilities
  }
}

extension Tensor {
  /// The likeliest columns of each row of these logits; not differentiated.
  ///
  /// A row's result does not depend on the others. Self is [..., V].
  ///
  /// - Parameters:
  ///   - count: How many, at most `columns`.
  ///   - columns: Only the first so many take part, in the probabilities too; at most V. Default: V.
  public func likeliest(_ count: Int, among columns: Int? = nil) -> LikeliestColumns {
    let columns = columns ?? shape.last
    precondition(
      1...columns ~= count && columns <= shape.last,
      "the \(count) likeliest of \(columns) columns are not in \(shape)")
    return LikeliestColumns(self, count: count, among: columns)
  }
}
