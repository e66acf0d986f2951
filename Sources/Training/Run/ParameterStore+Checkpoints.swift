import Checkpoints
import NeuralNetworks

extension ParameterStore {
  /// The parameters as a checkpoint sees them.
  ///
  /// - Parameter values: The flat buffer of values, or any other buffer of the same layout.
  /// - Parameter prefix: Put before each name. Default: none.
  func views(
    of values: UnsafePointer<Float>, prefix: String = ""
  ) -> [TensorView] {
    entries.map { entry in
      TensorView(
        name: prefix + entry.name, shape: entry.shape.dimensions,
        values: UnsafeBufferPointer(
          start: values + entry.range.lowerBound, count: entry.range.count))
    }
  }

  /// Fills a flat buffer from a file.
  ///
  /// - Parameters:
  ///   - reader: Has a tensor of each parameter's name and shape.
  ///   - values: The flat buffer.
  ///   - prefix: Put before each name. Default: none.
  /// - Throws: `CheckpointError` naming the first tensor that is missing or has another shape.
  func read(
    from reader: SafetensorsReader, into values: UnsafeMutablePointer<Float>, prefix: String = ""
  ) throws(CheckpointError) {
    for entry in entries {
      try reader.read(
        prefix + entry.name, shape: entry.shape.dimensions,
        into: UnsafeMutableBufferPointer(
          start: values + entry.range.lowerBound, count: entry.range.count))
    }
  }
}
