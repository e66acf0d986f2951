/// What a value of a GGUF file's metadata is, by the format's numbers.
public enum GGUFValueType: UInt32, Sendable {
  case uint8 = 0
  case int8 = 1
  case uint16 = 2
  case int16 = 3
  case uint32 = 4
  case int32 = 5
  case float32 = 6
  case bool = 7
  case string = 8
  case array = 9
  case uint64 = 10
  case int64 = 11
  case float64 = 12

  /// Bytes that a value takes; nil: they vary.
  var byteCount: Int? {
    switch self {
    case .uint8, .int8, .bool: 1
    case .uint16, .int16: 2
    case .uint32, .int32, .float32: 4
    case .uint64, .int64, .float64: 8
    case .string, .array: nil
    }
  }

  /// The fewest bytes that a value takes.
  var leastByteCount: Int {
    switch self {
    case .string: 8
    case .array: 12
    default: byteCount ?? 0
    }
  }
}

/// A value of a GGUF file's metadata, as its bytes lie in the file: it takes no more memory than these.
public struct GGUFValue: Equatable, Sendable {
  public let type: GGUFValueType
  /// Without the type; they have been found to be a whole value.
  let bytes: [UInt8]

  init(type: GGUFValueType, bytes: [UInt8]) {
    self.type = type
    self.bytes = bytes
  }

  /// A whole number, of whatever type.
  public var integer: Int? { withCursor { $0.integer(of: type) } }

  /// A number, of whatever type. Numbers in single precision are the shortest decimals that mean them:
  /// 1e-5, and not 9.999999747378752e-06.
  public var number: Double? { withCursor { $0.number(of: type) } }

  public var bool: Bool? { type == .bool ? bytes == [1] : nil }

  /// The bytes of a text, which need not be UTF-8.
  public var textBytes: [UInt8]? { type == .string ? Array(bytes[8...]) : nil }

  /// A text that is UTF-8.
  public var text: String? { textBytes.flatMap { String(validating: $0, as: UTF8.self) } }

  /// The elements of an array of whole numbers.
  public var integers: [Int]? { elements { $0.integer(of: $1) } }

  /// The elements of an array of numbers in single precision.
  public var floats: [Float]? {
    elements { $1 == .float32 ? Float(bitPattern: $0.bits(UInt32.self)) : nil }
  }

  /// The elements of an array of texts, which need not be UTF-8.
  public var texts: [[UInt8]]? { elements { $1 == .string ? $0.text() : nil } }

  /// Elements of an array; nil for anything else, and where one of them is not what is asked for.
  private func elements<Element>(
    _ read: (inout GGUFCursor, GGUFValueType) -> Element?
  ) -> [Element]? {
    guard type == .array else { return nil }
    return withCursor { cursor in
      guard let element = GGUFValueType(rawValue: cursor.bits(UInt32.self)) else { return nil }
      let count = Int(clamping: cursor.bits(UInt64.self))
      var found: [Element] = []
      // No longer than the bytes that there are.
      found.reserveCapacity(min(count, bytes.count))
      for _ in 0..<count {
        guard let value = read(&cursor, element) else { return nil }
        found.append(value)
      }
      return found
    }
  }

  private func withCursor<Result>(_ body: (inout GGUFCursor) -> Result) -> Result {
    bytes.withUnsafeBytes { bytes in
      var cursor = GGUFCursor(bytes)
      return body(&cursor)
    }
  }
}

extension GGUFCursor {
  /// The next value, where it is a whole number.
  fileprivate mutating func integer(of type: GGUFValueType) -> Int? {
    switch type {
    case .uint8: Int(bits(UInt8.self))
    case .int8: Int(bits(Int8.self))
    case .uint16: Int(bits(UInt16.self))
    case .int16: Int(bits(Int16.self))
    case .uint32: Int(bits(UInt32.self))
    case .int32: Int(bits(Int32.self))
    case .uint64: Int(exactly: bits(UInt64.self))
    case .int64: Int(bits(Int64.self))
    case .float32, .float64, .bool, .string, .array: nil
    }
  }

  /// The next value, where it is a number.
  fileprivate mutating func number(of type: GGUFValueType) -> Double? {
    switch type {
    case .float32: Double("\(Float(bitPattern: bits(UInt32.self)))")
    case .float64: Double(bitPattern: bits(UInt64.self))
    default: integer(of: type).map(Double.init)
    }
  }
}

// MARK: - To be written

extension GGUFValue {
  public static func uint32(_ value: UInt32) -> GGUFValue {
    GGUFValue(type: .uint32, bytes: value.littleEndianBytes)
  }

  public static func float32(_ value: Float) -> GGUFValue {
    GGUFValue(type: .float32, bytes: value.bitPattern.littleEndianBytes)
  }

  public static func bool(_ value: Bool) -> GGUFValue {
    GGUFValue(type: .bool, bytes: [value ? 1 : 0])
  }

  public static func text(_ value: String) -> GGUFValue {
    GGUFValue(type: .string, bytes: Array(value.utf8).lengthAndBytes)
  }

  /// Bytes that need not be UTF-8.
  public static func texts(_ values: [[UInt8]]) -> GGUFValue {
    array(of: .string, count: values.count, values.flatMap(\.lengthAndBytes))
  }

  public static func int32s(_ values: [Int32]) -> GGUFValue {
    array(of: .int32, count: values.count, values.flatMap(\.littleEndianBytes))
  }

  public static func float32s(_ values: [Float]) -> GGUFValue {
    array(of: .float32, count: values.count, values.flatMap(\.bitPattern.littleEndianBytes))
  }

  private static func array(
    of type: GGUFValueType, count: Int, _ elements: [UInt8]
  ) -> GGUFValue {
    GGUFValue(
      type: .array,
      bytes: type.rawValue.littleEndianBytes + UInt64(count).littleEndianBytes + elements)
  }
}

extension FixedWidthInteger {
  /// As GGUF has numbers.
  var littleEndianBytes: [UInt8] { withUnsafeBytes(of: littleEndian, Array.init) }
}

extension [UInt8] {
  /// As GGUF has texts.
  var lengthAndBytes: [UInt8] { UInt64(count).littleEndianBytes + self }
}
