import CLockstepHashing
import TestSupport
import Testing

@Suite struct Fold64Tests {
  private func hash(_ bytes: [UInt8], seed: UInt64 = 0) -> UInt64 {
    bytes.withUnsafeBytes { CHashing_fold64($0.baseAddress, Int64($0.count), seed) }
  }

  @Test(arguments: [1, 7, 8, 31, 32, 33, 100, 1000])
  func everyBitThatFlipsChangesIt(_ count: Int) {
    var generator = SeededGenerator(seed: UInt64(count))
    var bytes = (0..<count).map { _ in UInt8.random(in: 0...255, using: &generator) }
    let before = hash(bytes)
    var seen: Set<UInt64> = [before]
    for bit in 0..<count * 8 {
      bytes[bit / 8] ^= 1 << UInt8(bit % 8)
      seen.insert(hash(bytes))
      bytes[bit / 8] ^= 1 << UInt8(bit % 8)
    }
    #expect(seen.count == count * 8 + 1)
    #expect(hash(bytes) == before)
  }

  @Test func orderLengthAndSeedCount() {
    let bytes = (0..<64).map { UInt8($0) }
    var swapped = bytes
    swapped.swapAt(0, 32)
    #expect(hash(bytes) != hash(swapped))
    #expect(hash([0]) != hash([0, 0]))
    #expect(hash([]) != hash([0]))
    #expect(hash(bytes) != hash(bytes, seed: 1))
  }
}
