import LockstepFiles

/// A safetensors file, memory-mapped and checked on opening.
///
/// Reads F32, F16 and BF16 tensors as `Float`, exactly; other types are listed, not read, F64 among
/// them, which `Float` would round.
public final class SafetensorsReader: WeightSource {
  /// The file.
  public let path: String
  /// All tensors, in the order of their data.
  public let entries: [SafetensorsEntry]
  /// Free text that the writer left under `__metadata__`.
  public let metadata: [String: String]

  public var tensors: [StoredTensor] {
    entries.map {
      StoredTensor(name: $0.name, shape: $0.shape, encoding: $0.elementType.rawValue)
    }
  }

  private let file: MappedFile
  private let dataOffset: Int
  private let indices: [String: Int]

  /// Maps the file and checks its header, not the tensors' values.
  ///
  /// - Throws: `WeightError.fileSystem`; `.malformed` naming the offset and the tensor where
  ///   the file is truncated, has bad JSON, or has tensors that overlap, leave gaps, lie out of
  ///   range or contradict their shapes.
  public init(path: String) throws(WeightError) {
    self.path = path
    file = try MappedFile.opened(path)
    let header = try file.withBytes { bytes throws(WeightError) in
      try SafetensorsHeader(parsing: bytes, path: path)
    }
    entries = header.entries
    metadata = header.metadata
    dataOffset = header.dataOffset
    var indices: [String: Int] = [:]
    for (index, entry) in header.entries.enumerated() { indices[entry.name] = index }
    self.indices = indices
  }

  /// Where a tensor lies, or nil.
  public func entry(named name: String) -> SafetensorsEntry? {
    indices[name].map { entries[$0] }
  }

  /// Copies a tensor, as `Float`, into memory that the caller owns; what is mapped of it is given back.
  ///
  /// - Parameters:
  ///   - shape: The shape it must have.
  ///   - destination: As many elements as `shape` says.
  /// - Throws: `WeightError.tensorMissing`, `.wrongShape` or `.unreadableElements`.
  public func read(
    _ name: String, shape: [Int], into destination: UnsafeMutableBufferPointer<Float>
  ) throws(WeightError) {
    precondition(
      shape.reduce(1, *) == destination.count,
      "a destination of \(destination.count) elements for shape \(shape)")
    let entry = try existingEntry(name)
    guard entry.shape == shape else {
      throw .wrongShape(path: path, tensor: name, expected: shape, found: entry.shape)
    }
    try convert(entry, into: destination)
    let start = dataOffset + entry.dataRange.lowerBound
    file.release(start..<start + entry.dataRange.count)
  }

  /// A tensor's elements as `Float`, row-major.
  ///
  /// - Throws: `WeightError.tensorMissing` or `.unreadableElements`.
  public func floats(_ name: String) throws(WeightError) -> [Float] {
    let entry = try existingEntry(name)
    var outcome: Result<Void, WeightError> = .success(())
    let values = [Float](unsafeUninitializedCapacity: entry.elementCount) { buffer, count in
      let destination = UnsafeMutableBufferPointer(rebasing: buffer[..<entry.elementCount])
      outcome = Result { () throws(WeightError) in try convert(entry, into: destination) }
      if case .success = outcome { count = entry.elementCount }
    }
    try outcome.get()
    return values
  }

  /// A tensor's bytes in the mapped file, little-endian and possibly unaligned. They are valid
  /// inside `body` only.
  ///
  /// - Throws: `WeightError.tensorMissing`, or what `body` throws.
  public func withBytes<Result>(
    of name: String, _ body: (UnsafeRawBufferPointer) throws -> Result
  ) throws -> Result {
    let entry = try existingEntry(name)
    return try file.withBytes { try body(Self.bytes(of: entry, in: $0, from: dataOffset)) }
  }

  private func existingEntry(_ name: String) throws(WeightError) -> SafetensorsEntry {
    guard let entry = entry(named: name) else { throw .tensorMissing(path: path, tensor: name) }
    return entry
  }

  private static func bytes(
    of entry: SafetensorsEntry, in file: UnsafeRawBufferPointer, from dataOffset: Int
  ) -> UnsafeRawBufferPointer {
    let start = dataOffset + entry.dataRange.lowerBound
    return UnsafeRawBufferPointer(rebasing: file[start..<start + entry.dataRange.count])
  }

  private func convert(
    _ entry: SafetensorsEntry, into destination: UnsafeMutableBufferPointer<Float>
  ) throws(WeightError) {
    guard entry.elementType.isReadableAsFloat else {
      throw .unreadableElements(
        path: path, tensor: entry.name, elementType: entry.elementType.rawValue)
    }
    file.withBytes { content in
      let source = Self.bytes(of: entry, in: content, from: dataOffset)
      func bits(_ index: Int) -> UInt16 {
        source.loadUnaligned(fromByteOffset: 2 * index, as: UInt16.self)
      }
      switch entry.elementType {
      case .float16:
        for index in destination.indices { destination[index] = Float(halfBits: bits(index)) }
      case .bfloat16:
        for index in destination.indices { destination[index] = Float(brainBits: bits(index)) }
      default:
        UnsafeMutableRawBufferPointer(destination).copyMemory(from: source)
      }
    }
  }
}

extension MappedFile {
  /// - Throws: `WeightError.fileSystem`.
  static func opened(_ path: String) throws(WeightError) -> MappedFile {
    try onDisk { () throws(FileError) in try MappedFile(path: path, populates: false) }
  }
}
