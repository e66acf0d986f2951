import LockstepFiles

/// Writes tensors of `Float` in Hugging Face's safetensors format.
///
/// The order given is the order in the file; the header is padded with spaces so that data starts
/// at a multiple of 8 bytes.
public enum SafetensorsWriter {
  /// Writes a file atomically.
  ///
  /// - Parameter metadata: Free text under `__metadata__`. `transformers` wants `format: pt`.
  /// - Throws: `FileError`; nothing is left behind, an older file stays.
  public static func write(
    _ tensors: [TensorView], metadata: [String: String] = [:], to path: String
  ) throws(FileError) {
    let header = SafetensorsHeader.encode(tensors.map(\.layout), metadata: metadata)
    let byteCount = tensors.reduce(header.count) { $0 + $1.bytes.count }
    let file = try AtomicFile(path: path, bytesNeeded: byteCount)
    try file.write(header)
    for tensor in tensors { try file.write(tensor.bytes) }
    try file.commit()
  }

  /// Writes a file atomically, its elements rounded to another type.
  ///
  /// - Parameters:
  ///   - type: One that the format has: not a type of blocks.
  ///   - metadata: Free text under `__metadata__`. `transformers` wants `format: pt`.
  ///   - progress: Told how many elements are written, after each tensor.
  /// - Throws: `WeightError.fileSystem`, or `.notStorable` with the tensor that has a number which the
  ///   type does not have; nothing is left behind, an older file stays.
  public static func write(
    _ tensors: [TensorView], as type: StorageType, metadata: [String: String] = [:],
    to path: String, progress: (Int) -> Void = { _ in }
  ) throws(WeightError) {
    guard let elementType = type.elementType else {
      preconditionFailure("safetensors files have no \(type)")
    }
    let header = SafetensorsHeader.encode(
      tensors.map(\.layout), metadata: metadata, elementType: elementType)
    let byteCount = tensors.reduce(header.count) { $0 + type.byteCount(of: $1.values.count) }
    let file = try onDisk { () throws(FileError) in
      try AtomicFile(path: path, bytesNeeded: byteCount)
    }
    try onDisk { () throws(FileError) in try file.write(header) }
    var done = 0
    for tensor in tensors {
      try OutgoingTensor(tensor.name, tensor, type: type).forEachBytes {
        (bytes) throws(FileError) in
        try file.write(bytes)
      }
      done += tensor.values.count
      progress(done)
    }
    try onDisk { () throws(FileError) in try file.commit() }
  }
}
