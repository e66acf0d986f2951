import CLockstepHashing
import Crypto
import LockstepCheckpoints
import LockstepFiles
import TestSupport
import Testing

/// SHA-256 of bytes by swift-crypto alone.
private func plainHash(_ bytes: some Sequence<UInt8>) -> [UInt8] {
  Array(SHA256.hash(data: Array(bytes)))
}

@Suite struct HashTreeTests {
  @Test(arguments: [64, 128, 64 * 37, 64 << 10])
  func everyVersionHashesSixteenPiecesAsSwiftCryptoHashesEach(pieceByteCount: Int) {
    var generator = SystemRandomNumberGenerator()
    let bytes = (0..<16 * pieceByteCount).map { _ in UInt8.random(in: 0...255, using: &generator) }
    let expected = (0..<16).flatMap {
      plainHash(bytes[$0 * pieceByteCount..<($0 + 1) * pieceByteCount])
    }
    for version in 0..<CHashing_versions() {
      var digests = [UInt8](repeating: 0, count: 16 * 32)
      CHashing_sha256Lanes(bytes, Int64(pieceByteCount), &digests, version + 1)
      #expect(digests == expected, "version \(version + 1)")
    }
  }

  /// By Python: `sha256(b"".join(sha256(piece).digest() for piece in pieces))` for each chunk.
  @Test func chunkHashesAreThoseOfThePublishedDefinition() {
    let content = (0..<4 << 20 + 3 * 65536 + 5).map {
      UInt8(truncatingIfNeeded: $0 * 31 + $0 >> 16)
    }
    #expect(
      Manifest.File(name: "x", content: content).chunks == [
        "714774d8ce21c6bc7954d34091f9c32ab31c12c65f43c0acffd7c4dc30f3580e",
        "ab72693813d691b2df6e911db294385f7e84caa95764cd7d13049cca0a4cfed8",
      ])
  }

  /// Around the borders of pieces, of what a thread takes at a time, and of chunks.
  @Test(arguments: [
    1 << 20, 1 << 20 + 1, 2 << 20 - 1, 4 << 20 - 1, 4 << 20, 4 << 20 + 1, 5 << 20 + 65535,
    8 << 20, 9 << 20 + 65537,
  ])
  func chunksOfAnyLengthAreHashedAsDefined(byteCount: Int) {
    var generator = SeededGenerator(seed: UInt64(byteCount))
    let content = (0..<byteCount).map { _ in UInt8.random(in: 0...255, using: &generator) }
    let expected = stride(from: 0, to: byteCount, by: 4 << 20).map { start in
      let chunk = content[start..<min(start + 4 << 20, byteCount)]
      let pieces = stride(from: start, to: chunk.endIndex, by: 65536).map {
        plainHash(chunk[$0..<min($0 + 65536, chunk.endIndex)])
      }
      return plainHash(pieces.joined()).hexadecimal
    }
    let file = Manifest.File(name: "x", content: content)
    #expect(file.chunks == expected && file.sha256 == nil && file.bytes == byteCount)
  }

  @Test(arguments: [0, 1, 65536, 1 << 20 - 1])
  func aSmallFileHasThePlainHash(byteCount: Int) {
    let content = [UInt8](repeating: 7, count: byteCount)
    let file = Manifest.File(name: "x", content: content)
    #expect(file.sha256 == plainHash(content).hexadecimal && file.chunks == nil)
  }
}
