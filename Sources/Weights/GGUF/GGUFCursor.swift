/// Reads what follows in bytes that need not hold what they should.
struct GGUFCursor {
  private let bytes: UnsafeRawBufferPointer
  /// What was read.
  private(set) var offset = 0

  /// - Parameter bytes: Outlive the cursor.
  init(_ bytes: UnsafeRawBufferPointer) {
    self.bytes = bytes
  }

  var remaining: Int { bytes.count - offset }

  /// The next bytes as a number; nil where they are too few.
  mutating func next<Bits: FixedWidthInteger>(_ type: Bits.Type = Bits.self) -> Bits? {
    guard remaining >= MemoryLayout<Bits>.size else { return nil }
    defer { offset += MemoryLayout<Bits>.size }
    return Bits(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: Bits.self))
  }

  /// As `next`, of bytes that are known to be there.
  mutating func bits<Bits: FixedWidthInteger>(_ type: Bits.Type) -> Bits {
    guard let value = next(type) else { preconditionFailure("the value was checked") }
    return value
  }

  /// The bytes of a text, after their number; nil where they are too few.
  mutating func text() -> [UInt8]? {
    guard let range = textRange() else { return nil }
    return Array(bytes[range])
  }

  private mutating func textRange() -> Range<Int>? {
    let start = offset
    guard let length = next(UInt64.self), let count = Int(exactly: length), count <= remaining
    else {
      offset = start
      return nil
    }
    defer { offset += count }
    return offset..<offset + count
  }

  /// Arrays in arrays of arrays may be so deep: nobody writes more than one.
  private static let deepest = 4

  /// Passes over a value.
  ///
  /// - Returns: Its bytes; nil where they are too few, or no such value.
  mutating func value(of type: GGUFValueType) -> [UInt8]? {
    let start = offset
    guard skip(type, depth: 0) else { return nil }
    return Array(bytes[start..<offset])
  }

  private mutating func skip(_ type: GGUFValueType, depth: Int) -> Bool {
    switch type {
    case .string: return textRange() != nil
    case .array:
      guard depth < Self.deepest, let raw = next(UInt32.self),
        let element = GGUFValueType(rawValue: raw), let length = next(UInt64.self),
        // Before anything is counted: a file has no more elements than bytes.
        let count = Int(exactly: length), count <= remaining / element.leastByteCount
      else { return false }
      guard let size = element.byteCount, element != .bool else {
        for _ in 0..<count where !skip(element, depth: depth + 1) { return false }
        return true
      }
      offset += count * size
      return true
    case .bool: return next(UInt8.self).map { $0 <= 1 } ?? false
    default:
      guard let size = type.byteCount, size <= remaining else { return false }
      offset += size
      return true
    }
  }
}
