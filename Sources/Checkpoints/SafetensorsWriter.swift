import LockstepFiles

/// Writes tensors of `Float` in Hugging Face's safetensors format.
///
/// The order given is the order in the file; the header is padded with spaces so that data starts
/// at a multiple of 8 bytes.
public enum SafetensorsWriter {
  /// Writes a file atomically.
  ///
  /// - Parameter metadata: Free text under `__metadata__`. `transformers` wants `format: pt`.
  /// - Throws: `CheckpointError.fileSystem`; nothing is left behind, an older file stays.
  public static func write(
    _ tensors: [TensorView], metadata: [String: String] = [:], to path: String
  ) throws(CheckpointError) {
    let header = SafetensorsHeader.encode(tensors.map(\.layout), metadata: metadata)
    let byteCount = tensors.reduce(header.count) { $0 + $1.bytes.count }
    try onDisk { () throws(FileError) in
      let file = try AtomicFile(path: path, bytesNeeded: byteCount)
      try file.write(header)
      for tensor in tensors { try file.write(tensor.bytes) }
      try file.commit()
    }
  }
}
