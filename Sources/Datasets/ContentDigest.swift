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
  static let wholeLimit = 64 << 20
  private static let endCount = 1 << 20
  private static let blockCount = 4096
  private static let blockLength = 4096

  /// - Parameter content: All bytes of the file.
  public init(of content: UnsafeRawBufferPointer) {
    self.init(of: content, wholeLimit: Self.wholeLimit)
  }

  package init(of content: UnsafeRawBufferPointer, wholeLimit: Int) {
    bytes = content.count
    sampled = content.count > wholeLimit
    var hash = SHA256()
    func update(_ range: Range<Int>) {
      hash.update(bufferPointer: UnsafeRawBufferPointer(rebasing: content[range]))
    }
    if sampled {
      let end = min(Self.endCount, content.count)
      update(0..<end)
      for block in 0..<Self.blockCount {
        // Full width: the product of a length and a number of blocks may not fit.
        let (high, low) = content.count.multipliedFullWidth(by: block)
        let start = Self.blockCount.dividingFullWidth((high, low)).quotient
        update(start..<min(start + Self.blockLength, content.count))
      }
      update(content.count - end..<content.count)
    } else {
      update(0..<content.count)
    }
    sha256 = hash.finalize().hexadecimal
  }

  public init(of content: [UInt8]) {
    self = content.withUnsafeBytes { ContentDigest(of: $0) }
  }

  /// - Throws: `FileError` if the file cannot be read.
  public init(ofFile path: String) throws(FileError) {
    self = try MappedFile(path: path).withBytes { ContentDigest(of: $0) }
  }
}

extension TokenFile {
  /// Tells this file's content from another's, header included.
  public var digest: ContentDigest { withBytes { ContentDigest(of: $0) } }
}
