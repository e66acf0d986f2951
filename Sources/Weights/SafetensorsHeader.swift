import LockstepFiles

/// Where one tensor lies in a safetensors file.
public struct SafetensorsEntry: Equatable, Sendable {
  public let name: String
  public let elementType: ElementType
  /// Extent of each axis; empty for a scalar.
  public let shape: [Int]
  /// Its bytes, counted from the end of the header.
  public let dataRange: Range<Int>

  /// How many elements it has.
  public var elementCount: Int { dataRange.count / elementType.byteCount }
}

/// The first part of a safetensors file: its length as 8 little-endian bytes, then that many bytes
/// of JSON, `{"name": {"dtype", "shape", "data_offsets": [start, end]}, "__metadata__": {…}}`.
///
/// Format: Hugging Face, "Safetensors", <https://github.com/huggingface/safetensors>.
package struct SafetensorsHeader {
  /// The tensors, in the order of their data.
  let entries: [SafetensorsEntry]
  let metadata: [String: String]
  /// Where the data starts, in bytes from the file's start.
  let dataOffset: Int

  static let metadataKey = "__metadata__"
  /// The format's own limit on the JSON, in bytes.
  static let largestHeader = 100_000_000
  /// Data starts at a multiple of this many bytes.
  static let alignment = 8
}

// MARK: - Writing

extension SafetensorsHeader {
  /// Lays out tensors one after the other, in the order given.
  ///
  /// - Parameter elementType: Of all of them. Default: `Float`s as they are.
  /// - Precondition: Names are distinct, and none is `__metadata__`.
  package static func encode(
    _ tensors: [TensorLayout], metadata: [String: String], elementType: ElementType = .float32
  ) -> [UInt8] {
    precondition(
      Set(tensors.map(\.name)).count == tensors.count, "tensor names in a file are distinct")
    precondition(
      !tensors.contains { $0.name == metadataKey }, "no tensor may be named \(metadataKey)")
    var members: [String] = []
    if !metadata.isEmpty {
      let pairs = metadata.sorted { $0.key < $1.key }
        .map { "\($0.key.jsonQuoted):\($0.value.jsonQuoted)" }
      members.append("\(metadataKey.jsonQuoted):{\(pairs.joined(separator: ","))}")
    }
    var offset = 0
    for tensor in tensors {
      let end = offset + tensor.elementCount * elementType.byteCount
      let shape = tensor.shape.map(String.init).joined(separator: ",")
      members.append(
        tensor.name.jsonQuoted
          + #":{"dtype":"\#(elementType.rawValue)","shape":[\#(shape)],"#
          + #""data_offsets":[\#(offset),\#(end)]}"#)
      offset = end
    }
    var json = Array("{\(members.joined(separator: ","))}".utf8)
    while json.count % alignment != 0 { json.append(UInt8(ascii: " ")) }
    return withUnsafeBytes(of: UInt64(json.count).littleEndian, Array.init) + json
  }
}

extension String {
  /// As a JSON string, quotes included.
  fileprivate var jsonQuoted: String {
    var quoted = "\""
    for scalar in unicodeScalars {
      switch scalar {
      case "\"": quoted += "\\\""
      case "\\": quoted += "\\\\"
      case "\n": quoted += "\\n"
      case "\r": quoted += "\\r"
      case "\t": quoted += "\\t"
      case _ where scalar.value < 0x20:
        let digits = String(scalar.value, radix: 16)
        quoted += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
      default: quoted.unicodeScalars.append(scalar)
      }
    }
    return quoted + "\""
  }
}

// MARK: - Reading

extension SafetensorsHeader {
  /// Parses and checks a file's header: every tensor has a known type and a shape that fills its
  /// bytes, and the tensors cover the data exactly, without gap or overlap.
  ///
  /// - Throws: `WeightError.malformed` with the first thing that is wrong.
  init(parsing bytes: UnsafeRawBufferPointer, path: String) throws(WeightError) {
    guard bytes.count >= 8 else {
      throw .malformed(
        path: path, offset: bytes.count, tensor: nil,
        problem: "ends within the 8 bytes of the header's length")
    }
    let length = UInt64(littleEndian: bytes.loadUnaligned(as: UInt64.self))
    guard length <= UInt64(Self.largestHeader) else {
      throw .malformed(
        path: path, offset: 0, tensor: nil,
        problem: "header of \(length) bytes exceeds the format's \(Self.largestHeader)")
    }
    guard Int(length) <= bytes.count - 8 else {
      throw .malformed(
        path: path, offset: bytes.count, tensor: nil,
        problem: "truncated: the header needs \(length) bytes, \(bytes.count - 8) are there")
    }
    dataOffset = 8 + Int(length)
    let json = UnsafeRawBufferPointer(rebasing: bytes[8..<dataOffset])
    let content = try Self.decode(json, path: path)
    metadata = content.metadata
    let byteCount = bytes.count - dataOffset
    var checked: [SafetensorsEntry] = []
    for (name, record) in content.records {
      checked.append(
        try Self.check(
          record, name: name, path: path, dataOffset: dataOffset, byteCount: byteCount))
    }
    // Empty tensors share their offset with a neighbour and sort before it.
    entries = checked.sorted {
      ($0.dataRange.lowerBound, $0.dataRange.upperBound, $0.name)
        < ($1.dataRange.lowerBound, $1.dataRange.upperBound, $1.name)
    }
    try Self.checkCoverage(entries, path: path, dataOffset: dataOffset, byteCount: byteCount)
  }

  private static func decode(
    _ json: UnsafeRawBufferPointer, path: String
  ) throws(WeightError) -> HeaderContent {
    // JSON allows spaces first, the format does not.
    guard json.first == UInt8(ascii: "{") else {
      throw .malformed(path: path, offset: 8, tensor: nil, problem: "header is not a JSON object")
    }
    do {
      return try JSONFormat.decode(foreign: json)
    } catch let failure as JSONReader.Failure {
      throw .malformed(
        path: path, offset: 8 + failure.offset, tensor: nil, problem: "bad JSON: \(failure.reason)")
    } catch let error as DecodingError {
      let (tensor, problem) = error.placeAndProblem
      throw .malformed(path: path, offset: 8, tensor: tensor, problem: problem)
    } catch {
      throw .malformed(path: path, offset: 8, tensor: nil, problem: "bad JSON: \(error)")
    }
  }

  private static func check(
    _ record: HeaderRecord, name: String, path: String, dataOffset: Int, byteCount: Int
  ) throws(WeightError) -> SafetensorsEntry {
    func malformed(_ problem: String, offset: Int = 8) -> WeightError {
      .malformed(path: path, offset: offset, tensor: name, problem: problem)
    }
    guard let elementType = ElementType(rawValue: record.dtype) else {
      throw malformed("unknown element type '\(record.dtype)'")
    }
    guard record.dataOffsets.count == 2 else {
      throw malformed("has \(record.dataOffsets.count) data offsets, expected 2")
    }
    let (start, end) = (record.dataOffsets[0], record.dataOffsets[1])
    guard start >= 0, start <= end else { throw malformed("data offsets [\(start), \(end)]") }
    guard end <= byteCount else {
      throw malformed(
        "data up to byte \(end) of \(byteCount): truncated or out of range",
        offset: dataOffset + min(start, byteCount))
    }
    var size = elementType.byteCount
    for extent in record.shape {
      let (product, overflow) = size.multipliedReportingOverflow(by: extent)
      guard extent >= 0, !overflow else { throw malformed("impossible shape \(record.shape)") }
      size = product
    }
    guard size == end - start else {
      throw malformed(
        "shape \(record.shape) of \(record.dtype) takes \(size) bytes, "
          + "its offsets span \(end - start)",
        offset: dataOffset + start)
    }
    return SafetensorsEntry(
      name: name, elementType: elementType, shape: record.shape, dataRange: start..<end)
  }

  private static func checkCoverage(
    _ entries: [SafetensorsEntry], path: String, dataOffset: Int, byteCount: Int
  ) throws(WeightError) {
    var covered = 0
    for entry in entries {
      guard entry.dataRange.lowerBound == covered else {
        let problem =
          entry.dataRange.lowerBound < covered
          ? "overlaps the tensor before it" : "leaves a gap after the tensor before it"
        throw .malformed(
          path: path, offset: dataOffset + entry.dataRange.lowerBound, tensor: entry.name,
          problem: "\(problem): starts at data byte \(entry.dataRange.lowerBound), not \(covered)")
      }
      covered = entry.dataRange.upperBound
    }
    guard covered == byteCount else {
      throw .malformed(
        path: path, offset: dataOffset + covered, tensor: nil,
        problem: "\(byteCount - covered) bytes after the last tensor")
    }
  }
}

/// One tensor's record in the JSON.
private struct HeaderRecord: Decodable {
  let dtype: String
  let shape: [Int]
  let dataOffsets: [Int]

  enum CodingKeys: String, CodingKey {
    case dtype, shape
    case dataOffsets = "data_offsets"
  }
}

/// The JSON object: tensors by name, and among them the metadata.
private struct HeaderContent: Decodable {
  var records: [String: HeaderRecord] = [:]
  var metadata: [String: String] = [:]

  struct Key: CodingKey {
    let stringValue: String
    var intValue: Int? { nil }
    init(stringValue: String) { self.stringValue = stringValue }
    init?(intValue: Int) { nil }
  }

  init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: Key.self)
    for key in container.allKeys {
      if key.stringValue == SafetensorsHeader.metadataKey {
        metadata = try container.decode([String: String].self, forKey: key)
      } else {
        records[key.stringValue] = try container.decode(HeaderRecord.self, forKey: key)
      }
    }
  }
}
