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
}
