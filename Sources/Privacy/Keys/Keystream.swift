import Crypto
import LockstepKeys

/// The keystream of ChaCha20 under a run's key: any piece of it by its address (purpose, step, block), on any rank
/// and in any order.
///
/// Each address is a nonce of its own, and no nonce is used for two purposes: without the key, the words of all
/// addresses together can not be told from random ones.
package struct Keystream: Sendable {
  /// What a piece is used for: each has nonces of its own. The values never change.
  package enum Purpose: UInt8, Sendable {
    /// Which samples a step learns from.
    case sampling = 1
    /// What is added to a step's sum.
    case noise = 2
  }

  /// Bytes of a block.
  package static let blockSize = ChaCha20Stream.blockSize

  private let stream: ChaCha20Stream

  init(key: SymmetricKey) { stream = ChaCha20Stream(key: key) }

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
    return stream.withWords(nonce: nonce, count: count, body)
  }
}
