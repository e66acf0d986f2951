import LockstepDatasets
import Testing

@Suite struct ContentDigestTests {
  private func digest(_ bytes: [UInt8], wholeLimit: Int = .max) -> ContentDigest {
    bytes.withUnsafeBytes { ContentDigest(of: $0, wholeLimit: wholeLimit) }
  }

  @Test func allOfASmallFileIsHashed() {
    // SHA-256 of "abc", FIPS 180-2.
    #expect(
      digest(Array("abc".utf8)).sha256
        == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
    let bytes = [UInt8](repeating: 7, count: 10_000)
    for place in [0, 1, 4_999, 9_999] {
      var changed = bytes
      changed[place] = 8
      #expect(digest(changed) != digest(bytes))
    }
    #expect(digest(bytes + [7]) != digest(bytes))
    #expect(!digest(bytes).sampled && digest([]).bytes == 0)
  }

  @Test func ofALargeFileTheEndsAndBlocksAtEqualDistancesAreHashed() {
    let count = 64 << 20
    let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
      for index in 0..<count { buffer[index] = UInt8(truncatingIfNeeded: index &* 31 >> 3) }
      filled = count
    }
    let whole = digest(bytes, wholeLimit: 1 << 20)
    #expect(whole.sampled && whole.bytes == count)
    #expect(digest(bytes, wholeLimit: 1 << 20) == whole)
    // The distance of blocks is 16 KiB; the first 4 KiB of each count.
    for (place, isSeen) in [
      (0, true), (1 << 20 - 1, true), (1000 << 14, true), (1000 << 14 + 4095, true),
      (1000 << 14 + 4096, false), (count - 1 << 20, true), (count - 1, true),
    ] {
      var changed = bytes
      changed[place] &+= 1
      #expect((digest(changed, wholeLimit: 1 << 20) != whole) == isSeen, "byte \(place)")
    }
    // What is put in moves all that follows.
    var longer = bytes
    longer.insert(9, at: 5_000_000)
    longer.removeLast()
    #expect(digest(longer, wholeLimit: 1 << 20) != whole)
  }
}
