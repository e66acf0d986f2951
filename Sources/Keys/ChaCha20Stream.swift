import Crypto
import Foundation

/// The keystream of ChaCha20 under a key: any piece of it by its nonce, on any rank and in any order.
///
/// swift-crypto has ChaCha20 inside of ChaCha20-Poly1305 only (RFC 8439), which encrypts by adding the keystream to
/// the text, bit by bit: so the encryption of zeros is the keystream itself, from the second 64-byte block of the
/// nonce on, the first one being the key of the tag, which is thrown away here. Without the key, the words of all
/// nonces together can not be told from random ones, which is what makes ChaCha20 a cipher.
package struct ChaCha20Stream: Sendable {
  /// Bytes of a nonce.
  private static let nonceSize = 12

  /// The most bytes that are made of one nonce here.
  package static let blockSize = 65_536

  private let key: SymmetricKey

  /// - Parameter key: Of 32 bytes.
  package init(key: SymmetricKey) { self.key = key }

  private static let zeros = Data(count: blockSize)

  /// Calls `body` with the first words of a nonce's keystream.
  ///
  /// - Parameters:
  ///   - nonce: 12 bytes. The same nonce gives the same words: use each for one purpose.
  ///   - count: Words of 64 bits, at most 8,192.
  package func withWords<Result>(
    nonce: [UInt8], count: Int, _ body: (UnsafePointer<UInt64>) -> Result
  ) -> Result {
    precondition(
      nonce.count == Self.nonceSize, "a nonce has \(Self.nonceSize) bytes, not \(nonce.count)")
    precondition(0 <= count && count * 8 <= Self.blockSize, "a nonce has no \(count) words here")
    let sealed: ChaChaPoly.SealedBox
    do {
      sealed = try ChaChaPoly.seal(
        Self.zeros.prefix(count * 8), using: key, nonce: ChaChaPoly.Nonce(data: nonce))
    } catch {
      preconditionFailure("ChaCha20 takes a key of 32 bytes: \(error)")
    }
    return withUnsafeTemporaryAllocation(of: UInt64.self, capacity: max(count, 1)) { words in
      sealed.ciphertext.copyBytes(
        to: UnsafeMutableRawBufferPointer(
          rebasing: UnsafeMutableRawBufferPointer(words)[..<(count * 8)]))
      #if _endian(big)
        for index in 0..<count { words[index] = words[index].byteSwapped }
      #endif
      guard let base = words.baseAddress else { preconditionFailure("no room for words") }
      return body(base)
    }
  }
}
