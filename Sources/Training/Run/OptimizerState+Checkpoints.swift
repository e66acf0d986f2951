import LockstepOptimization
import LockstepWeights

extension OptimizerState {
  /// The tensors as a checkpoint sees them.
  ///
  /// - Parameter values: The whole flat vector.
  func views(of values: UnsafePointer<Float>) -> [TensorView] {
    tensors.map {
      TensorView(
        name: $0.name, shape: $0.shape,
        values: UnsafeBufferPointer(
          start: values + $0.elements.lowerBound, count: $0.elements.count))
    }
  }

  /// Names and shapes as a checkpoint sees them.
  var layouts: [TensorLayout] { tensors.map { TensorLayout(name: $0.name, shape: $0.shape) } }

  /// What a piece of the flat vector has of the tensors, in order, without the padding between.
  ///
  /// - Parameter start: The place of the piece's first element in the vector.
  func parts(
    of piece: UnsafeBufferPointer<Float>, from start: Int
  ) -> [UnsafeBufferPointer<Float>] {
    let elements = start..<start + piece.count
    return tensors.map { $0.elements.clamped(to: elements) }.filter { !$0.isEmpty }.map {
      UnsafeBufferPointer(rebasing: piece[$0.lowerBound - start..<$0.upperBound - start])
    }
  }
}
