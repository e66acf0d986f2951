import LockstepCheckpoints
import LockstepNeuralNetworks

extension ParameterStore {
  /// The parameters as a checkpoint sees them.
  ///
  /// - Parameter values: The flat buffer of values, or any other buffer of the same layout.
  func views(of values: UnsafePointer<Float>) -> [TensorView] {
    entries.map { entry in
      TensorView(
        name: entry.name, shape: entry.shape.dimensions,
        values: UnsafeBufferPointer(
          start: values + entry.range.lowerBound, count: entry.range.count))
    }
  }

  /// Fills a flat buffer from a file.
  ///
  /// - Parameters:
  ///   - reader: Has a tensor of each parameter's name and shape.
  ///   - values: The flat buffer.
  /// - Throws: `CheckpointError` naming the first tensor that is missing or has another shape.
  func read(
    from reader: SafetensorsReader, into values: UnsafeMutablePointer<Float>
  ) throws(CheckpointError) {
    for entry in entries {
      try reader.read(
        entry.name, shape: entry.shape.dimensions,
        into: UnsafeMutableBufferPointer(
          start: values + entry.range.lowerBound, count: entry.range.count))
    }
  }
}
