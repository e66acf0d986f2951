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

  /// Names and shapes as a checkpoint sees them.
  ///
  /// - Parameter prefix: Put before each name.
  func layouts(prefix: String) -> [TensorLayout] {
    entries.map { TensorLayout(name: prefix + $0.name, shape: $0.shape.dimensions) }
  }

  /// What a piece of a flat buffer has of the parameters, in order, without the padding between.
  ///
  /// - Parameter start: The place of the piece's first element in the flat buffer.
  func parts(
    of piece: UnsafeBufferPointer<Float>, from start: Int
  ) -> [UnsafeBufferPointer<Float>] {
    let elements = start..<start + piece.count
    return entries.map { $0.range.clamped(to: elements) }.filter { !$0.isEmpty }.map {
      UnsafeBufferPointer(rebasing: piece[$0.lowerBound - start..<$0.upperBound - start])
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
