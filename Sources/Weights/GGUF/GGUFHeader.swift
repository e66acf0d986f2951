import LockstepFiles

/// Where one tensor lies in a GGUF file.
public struct GGUFEntry: Equatable, Sendable {
  public let name: String
  public let type: GGUFElementType
  /// Extent of each axis, the slowest first; the file has them the other way round.
  public let shape: [Int]
  /// Its bytes, counted from where the data starts.
  public let dataRange: Range<Int>

  var elementCount: Int { shape.reduce(1, *) }
}

/// The first part of a GGUF file, of version 2 or 3: "GGUF", the version, the numbers of tensors and of
/// keys, the keys with their values, and of each tensor name, extents, type and place.
///
/// Format: ggml-org, "GGUF", <https://github.com/ggml-org/ggml/blob/master/docs/gguf.md>.
struct GGUFHeader {
  let metadata: [String: GGUFValue]
  /// The tensors, in the order of their data.
  let entries: [GGUFEntry]
  /// Where the data starts, in bytes from the file's start.
  let dataOffset: Int

  static let magic = Array("GGUF".utf8)
  static let version: UInt32 = 3
  static let alignmentKey = "general.alignment"
  /// Data, and each tensor, starts at a multiple of this many bytes where the file does not say otherwise.
  static let defaultAlignment = 32
  /// The format's own limit on names of keys, in bytes; no program gives a tensor a longer one.
  private static let longestName = 65_535
  private static let mostAxes = 4

  /// - Throws: `WeightError.malformed` with the first thing that is wrong.
  init(parsing bytes: UnsafeRawBufferPointer, path: String) throws(WeightError) {
    var parser = Parser(cursor: GGUFCursor(bytes), path: path)
    let (tensorCount, keyCount) = try parser.counts()
    metadata = try parser.metadata(keyCount)
    var records: [Record] = []
    for _ in 0..<tensorCount { records.append(try parser.record()) }
    let alignment = try Self.alignment(metadata, parser)
    // A file without tensors may end before its data.
    dataOffset =
      records.isEmpty
      ? bytes.count : Self.aligned(parser.cursor.offset, to: alignment)
    guard dataOffset <= bytes.count else {
      throw parser.malformed("ends before its tensors' data, at byte \(dataOffset)")
    }
    entries = try Self.checked(
      records, path: path, dataOffset: dataOffset, byteCount: bytes.count - dataOffset,
      alignment: alignment)
  }

  static func aligned(_ offset: Int, to alignment: Int) -> Int {
    (offset + alignment - 1) / alignment * alignment
  }

  private static func alignment(
    _ metadata: [String: GGUFValue], _ parser: Parser
  ) throws(WeightError) -> Int {
    guard let value = metadata[alignmentKey] else { return defaultAlignment }
    guard let alignment = value.integer, (1...1 << 24).contains(alignment),
      alignment.nonzeroBitCount == 1
    else { throw parser.malformed("\(alignmentKey) is no power of 2") }
    return alignment
  }

  /// A tensor's record in the file.
  private struct Record {
    let name: String
    let type: GGUFElementType
    let shape: [Int]
    let byteCount: Int
    let start: Int
    /// The place of the record, in bytes.
    let offset: Int
  }

  /// Tensors in the order of their data, which they cover without gap or overlap.
  private static func checked(
    _ records: [Record], path: String, dataOffset: Int, byteCount: Int, alignment: Int
  ) throws(WeightError) -> [GGUFEntry] {
    var names: Set<String> = []
    for record in records where !names.insert(record.name).inserted {
      throw .malformed(
        path: path, offset: record.offset, tensor: record.name, problem: "is there twice")
    }
    var covered = 0
    var entries: [GGUFEntry] = []
    for record in records.sorted(by: { ($0.start, $0.byteCount) < ($1.start, $1.byteCount) }) {
      let start = aligned(covered, to: alignment)
      guard record.start == start else {
        let problem =
          record.start < start
          ? "overlaps the tensor before it" : "leaves a gap after the tensor before it"
        throw .malformed(
          path: path, offset: record.offset, tensor: record.name,
          problem: "\(problem): starts at data byte \(record.start), not \(start)")
      }
      guard start <= byteCount, record.byteCount <= byteCount - start else {
        throw .malformed(
          path: path, offset: dataOffset + min(start, byteCount), tensor: record.name,
          problem:
            "truncated: needs \(record.byteCount) bytes from data byte \(start) of \(byteCount)")
      }
      covered = start + record.byteCount
      entries.append(
        GGUFEntry(
          name: record.name, type: record.type, shape: record.shape, dataRange: start..<covered))
    }
    guard records.isEmpty || byteCount <= aligned(covered, to: alignment) else {
      throw .malformed(
        path: path, offset: dataOffset + covered, tensor: nil,
        problem: "\(byteCount - covered) bytes after the last tensor")
    }
    return entries
  }

  /// Reads what stands before the data, and says what is wrong with it.
  private struct Parser {
    var cursor: GGUFCursor
    let path: String

    func malformed(_ problem: String, tensor: String? = nil, at offset: Int? = nil) -> WeightError {
      .malformed(path: path, offset: offset ?? cursor.offset, tensor: tensor, problem: problem)
    }

    mutating func next<Bits: FixedWidthInteger>(
      _ type: Bits.Type, _ what: String
    ) throws(WeightError) -> Bits {
      guard let value = cursor.next(type) else { throw malformed("ends within \(what)") }
      return value
    }

    mutating func counts() throws(WeightError) -> (tensors: Int, keys: Int) {
      let first = try next(UInt32.self, "the letters GGUF")
      guard first.littleEndianBytes == GGUFHeader.magic else {
        throw malformed("does not begin with GGUF", at: 0)
      }
      let version = try next(UInt32.self, "the version")
      guard version == 2 || version == GGUFHeader.version else {
        let isSwapped = version > 0 && version.byteSwapped <= GGUFHeader.version
        throw malformed(
          isSwapped ? "is big-endian" : "is GGUF of version \(version), expected 2 or 3", at: 4)
      }
      let tensorCount = try next(UInt64.self, "the number of tensors")
      let keyCount = try next(UInt64.self, "the number of keys")
      // Each takes some bytes: a name's length, a type, and a value or a place.
      guard let tensors = Int(exactly: tensorCount), let keys = Int(exactly: keyCount),
        tensors <= cursor.remaining / 24, keys <= cursor.remaining / 13
      else {
        throw malformed(
          "has \(tensorCount) tensors and \(keyCount) keys, but not the bytes for them")
      }
      return (tensors, keys)
    }

    mutating func metadata(_ count: Int) throws(WeightError) -> [String: GGUFValue] {
      var metadata: [String: GGUFValue] = [:]
      for _ in 0..<count {
        let start = cursor.offset
        let key = try name("key")
        guard let type = GGUFValueType(rawValue: try next(UInt32.self, "the type of \(key)")) else {
          throw malformed("\(key) has a type that the format does not have")
        }
        guard let bytes = cursor.value(of: type) else {
          throw malformed("\(key) does not hold a whole value")
        }
        guard metadata.updateValue(GGUFValue(type: type, bytes: bytes), forKey: key) == nil else {
          throw malformed("\(key) is there twice", at: start)
        }
      }
      return metadata
    }

    private mutating func name(_ what: String) throws(WeightError) -> String {
      let start = cursor.offset
      guard let bytes = cursor.text() else { throw malformed("ends within the name of a \(what)") }
      guard bytes.count <= GGUFHeader.longestName, !bytes.isEmpty,
        let name = String(validating: bytes, as: UTF8.self)
      else { throw malformed("the name of a \(what) is not one", at: start) }
      return name
    }

    mutating func record() throws(WeightError) -> Record {
      let start = cursor.offset
      let name = try name("tensor")
      func malformed(_ problem: String) -> WeightError {
        self.malformed(problem, tensor: name, at: start)
      }
      let axes = try next(UInt32.self, "the axes of \(name)")
      guard axes <= GGUFHeader.mostAxes else { throw malformed("has \(axes) axes") }
      var shape: [Int] = []
      for _ in 0..<axes {
        let written = try next(UInt64.self, "the axes of \(name)")
        guard let extent = Int(exactly: written) else { throw malformed("has extent \(written)") }
        shape.insert(extent, at: 0)
      }
      let number = try next(UInt32.self, "the type of \(name)")
      guard let type = GGUFElementType(rawValue: number) else {
        throw malformed("has elements of type \(number), which is not known")
      }
      let row = shape.last ?? 1
      guard row.isMultiple(of: type.blockElements) else {
        throw malformed(
          "has rows of \(row), which blocks of \(type.blockElements) (\(type.name)) do not divide")
      }
      // Bytes are no more than so many for an element: what does not fit is in no file.
      var size = 8
      for extent in shape {
        let (product, overflows) = size.multipliedReportingOverflow(by: extent)
        guard !overflows else { throw malformed("impossible shape \(shape)") }
        size = product
      }
      let written = try next(UInt64.self, "the place of \(name)")
      guard let place = Int(exactly: written) else { throw malformed("lies at byte \(written)") }
      return Record(
        name: name, type: type, shape: shape, byteCount: type.byteCount(of: size / 8),
        start: place, offset: start)
    }
  }
}
