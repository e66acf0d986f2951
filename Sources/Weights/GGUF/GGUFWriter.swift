import LockstepFiles

/// Writes GGUF files, of version 3.
public enum GGUFWriter {
  /// Writes a file atomically.
  ///
  /// - Parameters:
  ///   - tensors: In the order of the file.
  ///   - metadata: Keys with their values, in the order of the file; `general.architecture` is the first
  ///     by custom.
  ///   - progress: Told how many elements are written, after each tensor.
  /// - Throws: `WeightError.fileSystem`, `.notStorable`; nothing is left behind, an older file stays.
  /// - Precondition: Names and keys are distinct, and `general.alignment` is not among these.
  public static func write(
    _ tensors: [OutgoingTensor], metadata: [(key: String, value: GGUFValue)], to path: String,
    progress: (Int) -> Void = { _ in }
  ) throws(WeightError) {
    precondition(
      Set(tensors.map(\.name)).count == tensors.count
        && Set(metadata.map(\.key)).count == metadata.count
        && !metadata.contains { $0.key == GGUFHeader.alignmentKey }, "names are distinct")
    let alignment = GGUFHeader.defaultAlignment
    let header = header(tensors, metadata)
    let byteCount = tensors.reduce(header.count) {
      $0 + GGUFHeader.aligned($1.byteCount, to: alignment)
    }
    let file = try onDisk { () throws(FileError) in
      try AtomicFile(path: path, bytesNeeded: byteCount)
    }
    try onDisk { () throws(FileError) in try file.write(header) }
    var done = 0
    for tensor in tensors {
      try tensor.forEachBytes { (bytes) throws(FileError) in try file.write(bytes) }
      let padding = GGUFHeader.aligned(tensor.byteCount, to: alignment) - tensor.byteCount
      try onDisk { () throws(FileError) in
        try file.write([UInt8](repeating: 0, count: padding))
      }
      done += tensor.values.values.count
      progress(done)
    }
    try onDisk { () throws(FileError) in try file.commit() }
  }

  /// All that stands before the data, padding included.
  private static func header(
    _ tensors: [OutgoingTensor], _ metadata: [(key: String, value: GGUFValue)]
  ) -> [UInt8] {
    var bytes = GGUFHeader.magic + GGUFHeader.version.littleEndianBytes
    bytes += UInt64(tensors.count).littleEndianBytes + UInt64(metadata.count).littleEndianBytes
    for (key, value) in metadata {
      bytes += Array(key.utf8).lengthAndBytes + value.type.rawValue.littleEndianBytes + value.bytes
    }
    var offset = 0
    for tensor in tensors {
      let shape = tensor.shape
      bytes += Array(tensor.name.utf8).lengthAndBytes + UInt32(shape.count).littleEndianBytes
      for extent in shape.reversed() { bytes += UInt64(extent).littleEndianBytes }
      bytes += tensor.type.ggufType.rawValue.littleEndianBytes + UInt64(offset).littleEndianBytes
      offset += GGUFHeader.aligned(tensor.byteCount, to: GGUFHeader.defaultAlignment)
    }
    let padded = GGUFHeader.aligned(bytes.count, to: GGUFHeader.defaultAlignment)
    return bytes + [UInt8](repeating: 0, count: padded - bytes.count)
  }
}
