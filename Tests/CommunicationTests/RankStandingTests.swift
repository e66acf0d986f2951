import LockstepCommunication
import Testing

/// Who is said to be missing, of what a watch knows of the ranks.
@Suite struct RankStandingTests {
  private func rank(
    _ rank: Int, host: String = "h1", meeting: UInt32 = 10, waits: Bool = true,
    sign: RankStanding.Sign = .alive, group: UInt32 = 0
  ) -> RankStanding {
    RankStanding(
      rank: rank, host: host, processID: 100 + rank, group: group, meeting: meeting,
      call: CollectiveCall(.barrier), step: 7, isWaiting: waits, sign: sign)
  }

  private func missing(_ all: [RankStanding]) -> [Int] {
    RankStanding.missing(of: 0, in: all).map(\.rank)
  }

  @Test func onlyWhoHasNotComeIsMissing() {
    #expect(missing([rank(0), rank(1, meeting: 9, waits: false), rank(2)]) == [1])
    #expect(missing([rank(0, meeting: 9, waits: false), rank(1), rank(2)]) == [0])
  }

  @Test func whoCameAndWasStoppedIsMissing() {
    let stopped = RankStanding.Sign.silent(state: UInt8(ascii: "T"))
    #expect(missing([rank(0, sign: stopped), rank(1), rank(2)]) == [0])
  }

  @Test func nobodyIsMissingWhereAllCameAndLive() {
    #expect(missing([rank(0), rank(1)]).isEmpty)
    let stall = Stall(waiter: rank(0), waitedSeconds: 20, missing: [])
    #expect("\(stall)".contains("messages between their hosts do not arrive"))
  }

  @Test func otherGroupsAreNotLookedAt() {
    #expect(missing([rank(0), rank(1, waits: false), rank(2, waits: false, group: 5)]) == [1])
  }

  @Test func whoWaitsForMessagesOfTheMeetingBeforeIsNotMissing() {
    let silent = rank(1, host: "h2", meeting: 3, sign: .hostSilent)
    #expect(missing([rank(0, meeting: 9), silent, rank(2, host: "h3")]) == [1])
  }

  @Test func aHostThatWasNeverHeardIsNamedOnlyWhereNobodyElseIsMissing() {
    let unheard = rank(2, host: "h2", meeting: 0, waits: false, sign: .hostUnheard)
    #expect(missing([rank(0), rank(1), unheard]) == [2])
    #expect(missing([rank(0), rank(1, meeting: 9, waits: false), unheard]) == [1])
  }

  @Test func aSilentHostIsNamedOnceWithItsRanks() {
    let silent = [2, 3].map { rank($0, host: "h2", meeting: 9, waits: false, sign: .hostSilent) }
    let stall = Stall(waiter: rank(0), waitedSeconds: 20, missing: silent)
    #expect(
      "\(stall)"
        == "barrier(), step 7: waiting for 20 s. host h2 does not answer: it is stopped, or its "
        + "link is cut. It has ranks 2, 3 (processes 102, 103); the last call there was barrier(), step 7"
    )
  }

  @Test func theMessageNamesRankHostProcessCallAndStep() {
    let stopped = rank(
      1, meeting: 9, waits: false, sign: .silent(state: UInt8(ascii: "T")))
    #expect(
      "\(stopped)"
        == "rank 1 (host h1, process 101) is stopped (SIGSTOP); its last call was barrier(), "
        + "step 7")
    #expect("\(rank(1, sign: .silent(state: 0)))".contains("gives no sign of life"))
    #expect("\(rank(1, waits: false))".contains("lives, and computes or is stuck"))
  }

  @Test func theFirstThatLivesAndWaitsSpeaks() {
    let all = [
      rank(0, sign: .silent(state: UInt8(ascii: "T"))), rank(1, waits: false), rank(2), rank(3),
    ]
    #expect(RankStanding.speaker(of: 0, in: all) == 2)
  }
}
