import LockstepTensors

/// Adds a trained vector for each position of a sequence.
public struct LearnedPositions: Module {
  /// [T, D].
  public let weight: Parameter

  /// - Parameters:
  ///   - positions: T, the longest sequence.
  ///   - width: D.
  ///   - initializer: Default: normal with deviation 0.02.
  public init(positions: Int, width: Int, initializer: Initializer = .normal(deviation: 0.02)) {
    weight = Parameter([positions, width], initializer: initializer)
  }

  /// - Parameters:
  ///   - x: [B, at most T, D].
  ///   - start: The position of the first. Default: 0.
  /// - Returns: Of the same shape.
  public func callAsFunction(_ x: Tensor, from start: Int = 0) -> Tensor {
    x.addingPositions(weight.tensor, from: start)
  }
}

/// Adds the sines and cosines of "Attention is all you need" to each position of a sequence; nothing
/// is trained.
public struct SinusoidalPositions: Module {
  /// [T, D].
  public let table: SinusoidalTable

  /// - Parameters:
  ///   - positions: T, the longest sequence.
  ///   - width: D, an even number.
  ///   - base: Default: 10,000.
  public init(positions: Int, width: Int, base: Double = 10_000) {
    table = SinusoidalTable(positions: positions, width: width, base: base)
  }

  /// - Parameters:
  ///   - x: [B, at most T, D].
  ///   - start: The position of the first. Default: 0.
  /// - Returns: Of the same shape.
  public func callAsFunction(_ x: Tensor, from start: Int = 0) -> Tensor {
    let (end, width) = (start + x.shape[1], table.width)
    let rows = Tensor(
      Array(table.rows(start..<end)), shape: [end - start, width], in: x.workspace)
    return x.addingPositions(rows)
  }
}
