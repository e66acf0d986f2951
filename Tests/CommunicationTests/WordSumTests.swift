import LockstepCommunication
import Testing

/// Sums of words modulo 2⁶⁴.
@Suite struct WordSumTests {
  /// Element i of a rank's vector in a round; sums overflow.
  private static func word(_ index: Int, rank: Int, round: Int) -> UInt64 {
    UInt64(index + 1) &* 0x9E37_79B9_7F4A_7C15 &+ UInt64(rank + 1) &* 0xBF58_476D_1CE4_E5B9
      &+ UInt64(round) &* 0x94D0_49BB_1331_11EB
  }

  @Test(arguments: [(1, 1), (2, 2), (3, 1), (3, 2), (5, 2), (4, 4)])
  func everyRankHasItsSliceOfTheSum(ranks: Int, ranksPerHost: Int) throws {
    let count = 3 * SlicePartition.blockSize + 17
    let slices = try InProcessGroup(size: ranks, ranksPerHost: ranksPerHost).run { communicator in
      let sum = try WordSum(communicator: communicator, elementCount: count)
      var wrong = 0
      for round in 0..<2 {
        for index in 0..<count {
          sum.words[index] = Self.word(index, rank: communicator.rank, round: round)
        }
        let own = try sum.reduce()
        let slice = sum.partition.slice(of: communicator.rank)
        #expect(own.count == slice.count)
        for (place, index) in slice.enumerated() {
          let expected = (0..<ranks).reduce(UInt64(0)) {
            $0 &+ Self.word(index, rank: $1, round: round)
          }
          if own[place] != expected { wrong += 1 }
        }
        // Others may read this rank's words until all have met again.
        try communicator.barrier()
      }
      #expect(wrong == 0)
      return sum.partition.slice(of: communicator.rank).count
    }
    #expect(slices.reduce(0, +) == count)
  }

  @Test func fewerBlocksThanRanksLeaveSomeWithoutASlice() throws {
    let counts = try InProcessGroup(size: 3, ranksPerHost: 1).run { communicator in
      let sum = try WordSum(communicator: communicator, elementCount: 5)
      for index in 0..<5 { sum.words[index] = UInt64(communicator.rank) }
      return Array(try sum.reduce())
    }
    #expect(counts.flatMap(\.self) == [3, 3, 3, 3, 3])
  }
}
