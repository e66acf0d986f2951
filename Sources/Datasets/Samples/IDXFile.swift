/// An array of unsigned bytes in the IDX format of the MNIST files (LeCun, Cortes and Burges, 1998):
/// two zero bytes, a type (8: unsigned bytes), the number of dimensions, each extent as a big-endian
/// 32-bit number, then the elements, the last dimension running fastest.
public struct IDXFile: Sendable, Equatable {
  /// Extents, the outermost first.
  public let dimensions: [Int]
  public let elements: [UInt8]

  /// How many bytes a file has, by its header; nil where these are not the first bytes of such a file,
  /// or too few to say.
  static func byteCount(declaredIn bytes: [UInt8]) -> Int? {
    guard bytes.count >= 4, bytes.starts(with: [0, 0, 8]), (1...8).contains(bytes[3]) else {
      return nil
    }
    let headerCount = 4 + 4 * Int(bytes[3])
    guard bytes.count >= headerCount else { return nil }
    var count = 1
    for index in 0..<Int(bytes[3]) {
      let (product, overflows) = count.multipliedReportingOverflow(by: extent(index, in: bytes))
      guard !overflows else { return nil }
      count = product
    }
    let (total, overflows) = count.addingReportingOverflow(headerCount)
    return overflows ? nil : total
  }

  private static func extent(_ index: Int, in bytes: [UInt8]) -> Int {
    bytes[4 + 4 * index..<8 + 4 * index].reduce(0) { $0 << 8 | Int($1) }
  }

  /// - Parameters:
  ///   - bytes: The file, uncompressed.
  ///   - path: Named in errors.
  ///   - dimensionCount: How many dimensions are expected: 3 for images, 1 for labels.
  /// - Throws: `SampleDataError`.
  public init(_ bytes: [UInt8], path: String, dimensionCount: Int) throws(SampleDataError) {
    let headerCount = 4 + 4 * dimensionCount
    guard bytes.starts(with: [0, 0, 8, UInt8(dimensionCount)]) else {
      throw .notIDX(path: path, found: Array(bytes.prefix(4)), dimensions: dimensionCount)
    }
    guard bytes.count >= headerCount else {
      throw .wrongSize(path: path, expected: headerCount, byteCount: bytes.count)
    }
    // More bytes than can be counted are more than there are.
    let expected = Self.byteCount(declaredIn: bytes) ?? Int.max
    guard bytes.count == expected else {
      throw .wrongSize(path: path, expected: expected, byteCount: bytes.count)
    }
    dimensions = (0..<dimensionCount).map { Self.extent($0, in: bytes) }
    elements = Array(bytes[headerCount...])
  }
}
