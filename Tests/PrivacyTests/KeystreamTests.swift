import LockstepPrivacy
import Testing

@Suite struct KeystreamTests {
  private static let key = PrivacyKey(bytes: (0..<32).map { UInt8($0) })

  private func words(
    _ purpose: Keystream.Purpose, step: Int, block: Int, count: Int = 16
  ) -> [UInt64] {
    Self.key.keystream.withWords(purpose, step: step, block: block, count: count) {
      Array(UnsafeBufferPointer(start: $0, count: count))
    }
  }

  /// The block function of RFC 8439, section 2.3, written down once more.
  private func chachaBlock(key: [UInt8], counter: UInt32, nonce: [UInt8]) -> [UInt64] {
    func word(_ bytes: ArraySlice<UInt8>) -> UInt32 {
      bytes.reversed().reduce(0) { $0 << 8 | UInt32($1) }
    }
    var state: [UInt32] = [0x6170_7865, 0x3320_646e, 0x7962_2d32, 0x6b20_6574]
    for start in stride(from: 0, to: 32, by: 4) { state.append(word(key[start..<start + 4])) }
    state.append(counter)
    for start in stride(from: 0, to: 12, by: 4) { state.append(word(nonce[start..<start + 4])) }
    var working = state
    func quarter(_ a: Int, _ b: Int, _ c: Int, _ d: Int) {
      func rotate(_ x: UInt32, _ n: UInt32) -> UInt32 { x << n | x >> (32 - n) }
      working[a] &+= working[b]
      working[d] = rotate(working[d] ^ working[a], 16)
      working[c] &+= working[d]
      working[b] = rotate(working[b] ^ working[c], 12)
      working[a] &+= working[b]
      working[d] = rotate(working[d] ^ working[a], 8)
      working[c] &+= working[d]
      working[b] = rotate(working[b] ^ working[c], 7)
    }
    for _ in 0..<10 {
      for column in 0..<4 { quarter(column, column + 4, column + 8, column + 12) }
      quarter(0, 5, 10, 15)
      quarter(1, 6, 11, 12)
      quarter(2, 7, 8, 13)
      quarter(3, 4, 9, 14)
    }
    let sums = zip(working, state).map { $0 &+ $1 }
    return (0..<8).map { UInt64(sums[2 * $0]) | UInt64(sums[2 * $0 + 1]) << 32 }
  }

  @Test func wordsAreChaCha20sFromItsSecondBlockOn() {
    let nonce: [UInt8] = [2, 0, 0, 0, 0, 0, 1, 4, 0, 0, 0, 9]
    let key = (0..<32).map { UInt8($0) }
    let expected = (1...2).flatMap { chachaBlock(key: key, counter: UInt32($0), nonce: nonce) }
    #expect(words(.noise, step: 260, block: 9) == expected)
  }

  @Test func everyAddressHasWordsOfItsOwn() {
    let addresses: [(Keystream.Purpose, Int, Int)] = [
      (.sampling, 0, 0), (.noise, 0, 0), (.noise, 1, 0), (.noise, 0, 1), (.noise, 256, 0),
      (.noise, 0, 256),
    ]
    let drawn = addresses.flatMap { words($0.0, step: $0.1, block: $0.2) }
    #expect(Set(drawn).count == drawn.count)
  }

  @Test func aShorterPieceIsTheBeginningOfALongerOne() {
    #expect(
      words(.sampling, step: 3, block: 4, count: 5)
        == Array(words(.sampling, step: 3, block: 4)[..<5]))
  }

  @Test func trainingsThatDifferInAnythingHaveOtherKeys() {
    let keys = ["a", "b", ""].map { Self.key.derived(for: $0).bytes } + [Self.key.bytes]
    #expect(Set(keys).count == 4)
    #expect(Self.key.derived(for: "a").bytes == keys[0])
  }
}
