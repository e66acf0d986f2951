import CLockstepHashing
import Crypto
import LockstepFiles

/// How a large file of a checkpoint is hashed: in parts that do not wait for each other.
///
/// A file is cut into chunks of 4 MiB, a chunk into pieces of 64 KiB; the last of each may be shorter. A
/// chunk's hash is the SHA-256 of its pieces' SHA-256, 32 bytes each, one after the other. The cuts are a
/// part of the manifest's format: they depend on nothing but the file's length.
enum HashTree {
  /// A file of fewer bytes has one plain hash, and no chunks.
  static let leastByteCount = 1 << 20
  /// Bytes in a chunk.
  static let chunkByteCount = 4 << 20
  /// Bytes in a piece.
  static let pieceByteCount = 64 << 10
  /// Bytes that one thread reads or writes, and hashes, at a time: as many pieces as are hashed at once,
  /// which the second-level cache holds. A chunk is some portions.
  static let portionByteCount = Int(CHASHING_LANES) * pieceByteCount

  private static let digestByteCount = Int(CHASHING_DIGEST_BYTES)
  /// How this processor hashes several pieces at once; 0: one after the other is faster.
  private static let version =
    CHashing_prefersOneAfterAnother() == 0 ? Int(CHashing_versions()) : 0

  /// How many chunks a file has.
  static func chunkCount(ofBytes count: Int) -> Int {
    count > 0 ? (count - 1) / chunkByteCount + 1 : 0
  }

  /// Appends the hashes of the pieces of a portion, or of what is left of the file after the last.
  static func appendPieceHashes(of bytes: UnsafeRawBufferPointer, to hashes: inout [UInt8]) {
    if version > 0, bytes.count == portionByteCount, let start = bytes.baseAddress {
      let place = hashes.count
      hashes.append(
        contentsOf: repeatElement(0, count: Int(CHASHING_LANES) * digestByteCount))
      hashes.withUnsafeMutableBufferPointer { buffer in
        guard let digests = buffer.baseAddress else { return }
        CHashing_sha256Lanes(
          start.assumingMemoryBound(to: UInt8.self), Int64(pieceByteCount), digests + place,
          Int32(version))
      }
      return
    }
    for start in stride(from: 0, to: bytes.count, by: pieceByteCount) {
      let end = min(start + pieceByteCount, bytes.count)
      hashes += SHA256.hash(bytes: UnsafeRawBufferPointer(rebasing: bytes[start..<end]))
    }
  }

  /// The hash of a chunk, in hexadecimal.
  ///
  /// - Parameter pieceHashes: Those of its pieces.
  static func chunkHash(_ pieceHashes: some Collection<UInt8>) -> String {
    SHA256.hash(data: Array(pieceHashes)).hexadecimal
  }

  /// The hashes of a file's chunks.
  ///
  /// - Parameter pieceHashes: Those of all pieces.
  static func chunkHashes(_ pieceHashes: [UInt8]) -> [String] {
    let count = chunkByteCount / pieceByteCount * digestByteCount
    return stride(from: 0, to: pieceHashes.count, by: count).map {
      chunkHash(pieceHashes[$0..<min($0 + count, pieceHashes.count)])
    }
  }
}

extension SHA256 {
  /// The hash of bytes in memory.
  static func hash(bytes: UnsafeRawBufferPointer) -> SHA256Digest {
    var hash = SHA256()
    hash.update(bufferPointer: bytes)
    return hash.finalize()
  }
}
