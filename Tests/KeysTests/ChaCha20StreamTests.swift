import Crypto
import Foundation
import LockstepKeys
import Testing

@Suite struct ChaCha20StreamTests {
  /// What ChaCha20-Poly1305 makes of zeros.
  private func encryptedZeros(key: SymmetricKey, nonce: [UInt8], count: Int) throws -> [UInt64] {
    let sealed = try ChaChaPoly.seal(
      Data(count: 8 * count), using: key, nonce: ChaChaPoly.Nonce(data: nonce))
    let bytes = Array(sealed.ciphertext)
    return stride(from: 0, to: bytes.count, by: 8).map { start in
      (0..<8).reduce(UInt64(0)) { $0 | UInt64(bytes[start + $1]) << (8 * $1) }
    }
  }

  @Test func wordsAreThoseThatAddUpToSwiftCryptosCiphertexts() throws {
    let lengths = Array(0...300) + [511, 1024, 4095, 8191, 8192]
    for (round, count) in lengths.enumerated() {
      let key = SymmetricKey(data: (0..<32).map { UInt8(truncatingIfNeeded: $0 * 7 + round) })
      let nonce = (0..<12).map { UInt8(truncatingIfNeeded: $0 * 91 - round * 5) }
      let words = ChaCha20Stream(key: key).withWords(nonce: nonce, count: count) {
        Array(UnsafeBufferPointer(start: $0, count: count))
      }
      #expect(try words == encryptedZeros(key: key, nonce: nonce, count: count), "\(count) words")
    }
  }
}
