/// The ids of a vocabulary's tokens by their bytes, without copies of these.
struct TokenTable: Sendable {
  /// Open addressing, at most half full: ids, or -1.
  private var slots: [Int32]

  /// - Parameter tokens: Those to be found. Of two with the same bytes the first is.
  init(_ tokens: some Collection<Int32>, of vocabulary: Vocabulary) {
    var count = 16
    while count < 2 * tokens.count { count *= 2 }
    slots = [Int32](repeating: -1, count: count)
    for token in tokens {
      vocabulary.bytes(of: token).withUnsafeBufferPointer { bytes in
        let slot = slot(of: bytes, in: vocabulary)
        if slots[slot] < 0 { slots[slot] = token }
      }
    }
  }

  /// The token that has these bytes.
  func token(of bytes: UnsafeBufferPointer<UInt8>, in vocabulary: Vocabulary) -> Int32? {
    let token = slots[slot(of: bytes, in: vocabulary)]
    return token < 0 ? nil : token
  }

  private func slot(of bytes: UnsafeBufferPointer<UInt8>, in vocabulary: Vocabulary) -> Int {
    // FNV-1a: tokens are short.
    var hash: UInt64 = 0xCBF2_9CE4_8422_2325
    for byte in bytes { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
    let mask = slots.count - 1
    var slot = Int(truncatingIfNeeded: hash ^ hash >> 32) & mask
    while slots[slot] >= 0, !vocabulary.bytes(of: slots[slot]).elementsEqual(bytes) {
      slot = (slot + 1) & mask
    }
    return slot
  }
}
