import CLockstepKernels
import Crypto

/// The keystream of ChaCha20 under a key: any piece of it by its nonce, on any rank and in any order.
///
/// Its words are those that ChaCha20-Poly1305 (RFC 8439) adds to a text, bit by bit: they begin with the second
/// 64-byte block of the nonce, the first one being the key of the tag there. swift-crypto has ChaCha20 inside of that
/// alone, which computes tags that nobody needs; a test compares the two. Without the key, the words of all nonces
/// together can not be told from random ones, which is what makes ChaCha20 a cipher.
package struct ChaCha20Stream: Sendable {
  /// Bytes of a nonce.
  package static let nonceSize = 12

  /// The most bytes that are made of one nonce here.
  package static let blockSize = 65_536

  private let key: SymmetricKey

  /// - Parameter key: Of 32 bytes.
  package init(key: SymmetricKey) {
    precondition(key.bitCount == 256, "ChaCha20 takes a key of 32 bytes")
    self.key = key
  }

  /// Calls `body` with the first words of a nonce's keystream.
  ///
  /// - Parameters:
  ///   - nonce: 12 bytes. Whoever uses one for two purposes has the same words for both.
  ///   - count: Words of 64 bits, at most 8,192.
  package func withWords<Result>(
    nonce: [UInt8], count: Int, _ body: (UnsafePointer<UInt64>) -> Result
  ) -> Result {
    precondition(0 <= count && count * 8 <= Self.blockSize, "a nonce has no \(count) words here")
    precondition(nonce.count == Self.nonceSize, "ChaCha20 takes a nonce of 12 bytes")
    return withUnsafeTemporaryAllocation(of: UInt64.self, capacity: max(count, 1)) { words in
      guard let base = words.baseAddress else { preconditionFailure("no room for words") }
      key.withUnsafeBytes { key in
        guard let key = key.baseAddress else { preconditionFailure("a key without bytes") }
        CKernels_chacha20(
          key.assumingMemoryBound(to: UInt8.self), nonce, 1, base, Int64(count))
      }
      return body(base)
    }
  }
}
