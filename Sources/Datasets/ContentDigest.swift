import Crypto
import LockstepFiles

/// What tells one file's content from another's, found in a fraction of a second for any length.
///
/// Of up to 64 MiB every byte is hashed. Of more, the first and the last MiB are, and 4,096 blocks of
/// 4 KiB at equal distances between: what a new preparation changes moves all that stands behind it
/// and is found; a few bytes changed in place may not be.
public struct ContentDigest: Codable, Equatable, Sendable {
  /// Length in bytes.
  public let bytes: Int
  /// SHA-256 in hexadecimal, of everything or of the sample.
  public let sha256: String
  /// Whether only a sample was hashed.
  public let sampled: Bool

  /// Bytes up to which everything is hashed.
  package static let wholeLimit = 64 << 20
  private static let endCount = 1 << 20
  private static let blockCount = 4096
  private static let blockLength = 4096

  /// - Parameter content: All bytes of the file.
  public init(of content: UnsafeRawBufferPointer) {
    self.init(of: content, wholeLimit: Self.wholeLimit)
  }

  package init(of content: UnsafeRawBufferPointer, wholeLimit: Int) {
    bytes = content.count
    var hash = SHA256()
    let parts = Self.parts(of: content.count, wholeLimit: wholeLimit)
    for range in parts {
      hash.update(bufferPointer: UnsafeRawBufferPointer(rebasing: content[range]))
    }
    sampled = content.count > wholeLimit
    sha256 = hash.finalize().hexadecimal
  }

  /// The same of bytes that are read as they are needed.
  ///
  /// - Parameter read: Fills a buffer with the bytes of a range.
  /// - Throws: What `read` throws.
  package init(
    ofByteCount count: Int, wholeLimit: Int = wholeLimit,
    read: (Range<Int>, UnsafeMutableRawBufferPointer) throws(FileError) -> Void
  ) throws(FileError) {
    bytes = count
    sampled = count > wholeLimit
    var hash = SHA256()
    var buffer = [UInt8](repeating: 0, count: Self.endCount)
    for range in Self.parts(of: count, wholeLimit: wholeLimit) {
      for start in stride(from: range.lowerBound, to: range.upperBound, by: Self.endCount) {
        let piece = start..<min(start + Self.endCount, range.upperBound)
        try buffer.lentForFilling { (bytes) throws(FileError) in
          let part = UnsafeMutableRawBufferPointer(rebasing: bytes[..<piece.count])
          try read(piece, part)
          hash.update(bufferPointer: UnsafeRawBufferPointer(part))
        }
      }
    }
    sha256 = hash.finalize().hexadecimal
  }

  /// What is hashed of so many bytes, in this order.
  private static func parts(of count: Int, wholeLimit: Int) -> [Range<Int>] {
    guard count > wholeLimit else { return [0..<count] }
    let end = min(endCount, count)
    let blocks = (0..<blockCount).map { block in
      // Full width: the product of a length and a number of blocks may not fit.
      let start = blockCount.dividingFullWidth(count.multipliedFullWidth(by: block)).quotient
      return start..<min(start + blockLength, count)
    }
    return [0..<end] + blocks + [count - end..<count]
  }

  public init(of content: [UInt8]) {
    self = content.withUnsafeBytes { ContentDigest(of: $0) }
  }

  /// - Throws: `FileError` if the file cannot be read.
  public init(ofFile path: String) throws(FileError) {
    self = try MappedFile(path: path).withBytes { ContentDigest(of: $0) }
  }
}
