import Crypto
import Foundation

/// The keystream of ChaCha20 under a key: any piece of it by its address (purpose, step, block), on any rank and in
/// any order.
///
/// swift-crypto has ChaCha20 inside of ChaCha20-Poly1305 only (RFC 8439), which encrypts by adding the keystream to
/// the text, bit by bit: so the encryption of zeros is the keystream itself, from the second 64-byte block of the
/// nonce on, the first one being the key of the tag, which is thrown away here. Each address is a nonce of its own,
/// and no nonce is used for two purposes: without the key, the words of all addresses together can not be told
/// from random ones, which is what makes ChaCha20 a cipher.
package struct Keystream: Sendable {
  /// What a piece is used for: each has nonces of its own. The values never change.
  package enum Purpose: UInt8, Sendable {
    /// Which samples a step learns from.
    case sampling = 1
    /// What is added to a step's sum.
    case noise = 2
  }

  /// Bytes of a block.
  package static let blockSize = 65_536

  private let key: SymmetricKey

  init(key: SymmetricKey) { self.key = key }

  private static let zeros = Data(count: blockSize)

  /// Calls `body` with the first words of a block.
  ///
  /// - Parameters:
  ///   - step: Below 2⁵⁶.
  ///   - block: Below 2³².
  ///   - count: Words of 64 bits, at most 8,192.
  package func withWords<Result>(
    _ purpose: Purpose, step: Int, block: Int, count: Int,
    _ body: (UnsafePointer<UInt64>) -> Result
  ) -> Result {
    precondition(
      0 <= step && step < 1 << 56 && 0 <= block && block < 1 << 32
        && count * 8 <= Self.blockSize,
      "block \(block) of step \(step) has no \(count) words")
    var nonce: [UInt8] = [purpose.rawValue]
    nonce += (0..<7).reversed().map { UInt8(truncatingIfNeeded: step >> (8 * $0)) }
    nonce += (0..<4).reversed().map { UInt8(truncatingIfNeeded: block >> (8 * $0)) }
    let sealed: ChaChaPoly.SealedBox
    do {
      sealed = try ChaChaPoly.seal(
        Self.zeros.prefix(count * 8), using: key, nonce: ChaChaPoly.Nonce(data: nonce))
    } catch {
      preconditionFailure("ChaCha20 takes a key of 32 bytes and a nonce of 12: \(error)")
    }
    return withUnsafeTemporaryAllocation(of: UInt64.self, capacity: max(count, 1)) { words in
      sealed.ciphertext.copyBytes(
        to: UnsafeMutableRawBufferPointer(
          rebasing: UnsafeMutableRawBufferPointer(words)[..<(count * 8)]))
      for index in 0..<count { words[index] = UInt64(littleEndian: words[index]) }
      guard let base = words.baseAddress else { preconditionFailure("no room for words") }
      return body(base)
    }
  }
}
