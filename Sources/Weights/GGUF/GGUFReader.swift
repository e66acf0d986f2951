import LockstepFiles

/// A GGUF file, memory-mapped and checked on opening.
///
/// Elements of the types in `GGUFElementType.readable` are read as `Float`, bit for bit as the `gguf`
/// package of llama.cpp gives them; others are listed, not read.
public final class GGUFReader: WeightSource {
  /// The file.
  public let path: String
  /// All tensors, in the order of their data.
  public let entries: [GGUFEntry]
  /// What the file says besides, by key.
  public let metadata: [String: GGUFValue]

  private let file: MappedFile
  private let dataOffset: Int
  private let indices: [String: Int]

  /// Maps the file and checks what stands before the tensors' data, not their values.
  ///
  /// - Throws: `WeightError.fileSystem`; `.malformed` with the place and what is wrong.
  public convenience init(path: String) throws(WeightError) {
    try self.init(MappedFile.opened(path), path: path)
  }

  /// As `init(path:)`, of a file that is open.
  package init(_ file: MappedFile, path: String) throws(WeightError) {
    self.path = path
    self.file = file
    let header = try file.withBytes { bytes throws(WeightError) in
      try GGUFHeader(parsing: bytes, path: path)
    }
    entries = header.entries
    metadata = header.metadata
    dataOffset = header.dataOffset
    indices = Dictionary(
      header.entries.enumerated().map { ($1.name, $0) }, uniquingKeysWith: { first, _ in first })
  }

  public var tensors: [StoredTensor] {
    entries.map { StoredTensor(name: $0.name, shape: $0.shape, encoding: $0.type.name) }
  }

  /// Where a tensor lies, or nil.
  public func entry(named name: String) -> GGUFEntry? {
    indices[name].map { entries[$0] }
  }

  public func read(
    _ name: String, shape: [Int], into destination: UnsafeMutableBufferPointer<Float>
  ) throws(WeightError) {
    try read(name, shape: shape, elements: 0..<destination.count, into: destination)
  }

  public func read(
    _ name: String, shape: [Int], elements: Range<Int>,
    into destination: UnsafeMutableBufferPointer<Float>
  ) throws(WeightError) {
    guard let entry = entry(named: name) else { throw .tensorMissing(path: path, tensor: name) }
    guard entry.shape == shape else {
      throw .wrongShape(path: path, tensor: name, expected: shape, found: entry.shape)
    }
    guard entry.type.isReadable else {
      throw .unreadableElements(
        path: path, tensor: name, elementType: entry.type.name,
        readable: GGUFElementType.readable.map(\.name))
    }
    precondition(
      elements.lowerBound >= 0 && elements.upperBound <= entry.elementCount
        && elements.count == destination.count,
      "elements \(elements) of \(entry.elementCount) for \(destination.count)")
    guard !elements.isEmpty else { return }
    let (size, byteCount) = (entry.type.blockElements, entry.type.blockBytes)
    let blocks = elements.lowerBound / size..<(elements.upperBound + size - 1) / size
    let start = dataOffset + entry.dataRange.lowerBound + blocks.lowerBound * byteCount
    let bytes = start..<start + blocks.count * byteCount
    file.withBytes { content in
      let stored = UnsafeRawBufferPointer(rebasing: content[bytes])
      if blocks.count * size == elements.count {
        entry.type.decode(stored, into: destination)
      } else {
        // Whole blocks are decoded, of which some elements are asked for.
        let whole = UnsafeMutableBufferPointer<Float>.allocate(capacity: blocks.count * size)
        defer { whole.deallocate() }
        entry.type.decode(stored, into: whole)
        let first = elements.lowerBound - blocks.lowerBound * size
        for index in destination.indices { destination[index] = whole[first + index] }
      }
    }
    file.release(bytes)
  }

  /// Lends the stored bytes of a tensor, for as long as `body` runs.
  ///
  /// - Throws: `WeightError.tensorMissing`, or what `body` throws.
  public func withBytes<Result>(
    of name: String, _ body: (UnsafeRawBufferPointer) throws -> Result
  ) throws -> Result {
    guard let entry = entry(named: name) else {
      throw WeightError.tensorMissing(path: path, tensor: name)
    }
    let start = dataOffset + entry.dataRange.lowerBound
    return try file.withBytes {
      try body(UnsafeRawBufferPointer(rebasing: $0[start..<start + entry.dataRange.count]))
    }
  }

  /// Whether a file has a name as GGUF files have it.
  package static func isNamed(_ path: String) -> Bool { path.hasSuffix(".gguf") }

  /// Whether a file begins as GGUF does; false where it can not be read.
  package static func isGGUF(_ path: String) -> Bool {
    guard let file = try? MappedFile(path: path, populates: false) else { return false }
    return file.withBytes { $0.prefix(GGUFHeader.magic.count).elementsEqual(GGUFHeader.magic) }
  }
}
