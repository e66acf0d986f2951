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
  public convenience init(path: String) throws(WeightError) {
    try self.init(MappedFile.opened(path), path: path)
  }

  /// As ``init(path:)``, of a file that is open.
  package init(_ file: MappedFile, path: String) throws(WeightError) {
    self.path = path
    self.file = file
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
    try read(name, shape: shape, elements: 0..<destination.count, into: destination)
  }

  /// Copies some of a tensor's elements, as `Float`; what is mapped of them is given back.
  ///
  /// - Parameters:
  ///   - elements: Which, in row-major order: in 0 ..< the tensor's number of elements.
  ///   - destination: As many elements.
  /// - Throws: `WeightError.tensorMissing`, `.wrongShape` or `.unreadableElements`.
  public func read(
    _ name: String, shape: [Int], elements: Range<Int>,
    into destination: UnsafeMutableBufferPointer<Float>
  ) throws(WeightError) {
    read(try readableEntry(name, shape: shape), elements: elements, into: destination)
  }

  /// A tensor of which parts can be read.
  ///
  /// - Throws: As `read(_:shape:into:)`.
  package func readableEntry(
    _ name: String, shape: [Int]
  ) throws(WeightError) -> SafetensorsEntry {
    let entry = try existingEntry(name)
    guard entry.shape == shape else {
      throw .wrongShape(path: path, tensor: name, expected: shape, found: entry.shape)
    }
    try requireFloats(entry)
    return entry
  }

  /// Copies some of a tensor's elements, as `Float`; what is mapped of them is given back. Several threads
  /// may read at a time.
  ///
  /// - Parameters:
  ///   - entry: From `readableEntry`.
  ///   - elements: Which, in row-major order.
  ///   - destination: As many elements.
  package func read(
    _ entry: SafetensorsEntry, elements: Range<Int>,
    into destination: UnsafeMutableBufferPointer<Float>
  ) {
    precondition(
      elements.lowerBound >= 0 && elements.upperBound <= entry.elementCount
        && elements.count == destination.count,
      "elements \(elements) of \(entry.elementCount) for \(destination.count)")
    let size = entry.elementType.byteCount
    let start = dataOffset + entry.dataRange.lowerBound + elements.lowerBound * size
    let bytes = start..<start + elements.count * size
    convert(bytes, entry.elementType, into: destination)
    file.release(bytes)
  }

  /// A tensor's elements as `Float`, row-major.
  ///
  /// - Throws: `WeightError.tensorMissing` or `.unreadableElements`.
  public func floats(_ name: String) throws(WeightError) -> [Float] {
    let entry = try existingEntry(name)
    try requireFloats(entry)
    return [Float](unsafeUninitializedCapacity: entry.elementCount) { buffer, count in
      let destination = UnsafeMutableBufferPointer(rebasing: buffer[..<entry.elementCount])
      convert(range(of: entry), entry.elementType, into: destination)
      count = entry.elementCount
    }
  }

  /// A tensor's bytes in the mapped file, little-endian and possibly unaligned. They are valid
  /// inside `body` only.
  ///
  /// - Throws: `WeightError.tensorMissing`, or what `body` throws.
  public func withBytes<Result>(
    of name: String, _ body: (UnsafeRawBufferPointer) throws -> Result
  ) throws -> Result {
    let entry = try existingEntry(name)
    return try file.withBytes { try body(UnsafeRawBufferPointer(rebasing: $0[range(of: entry)])) }
  }

  private func existingEntry(_ name: String) throws(WeightError) -> SafetensorsEntry {
    guard let entry = entry(named: name) else { throw .tensorMissing(path: path, tensor: name) }
    return entry
  }

  private func requireFloats(_ entry: SafetensorsEntry) throws(WeightError) {
    guard entry.elementType.isReadableAsFloat else {
      throw .unreadableElements(
        path: path, tensor: entry.name, elementType: entry.elementType.rawValue,
        readable: ElementType.readable.map(\.rawValue))
    }
  }

  /// A tensor's bytes, from the file's start.
  private func range(of entry: SafetensorsEntry) -> Range<Int> {
    let start = dataOffset + entry.dataRange.lowerBound
    return start..<start + entry.dataRange.count
  }

  /// - Parameter bytes: From the file's start; of a type that is readable as `Float`.
  private func convert(
    _ bytes: Range<Int>, _ elementType: ElementType,
    into destination: UnsafeMutableBufferPointer<Float>
  ) {
    file.withBytes { content in
      let source = UnsafeRawBufferPointer(rebasing: content[bytes])
      func bits(_ index: Int) -> UInt16 {
        source.loadUnaligned(fromByteOffset: 2 * index, as: UInt16.self)
      }
      switch elementType {
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
