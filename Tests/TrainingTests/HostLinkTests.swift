import LockstepCommunication
import LockstepTraining
import Testing

/// What `doctor` says of the connections between hosts.
@Suite struct HostLinkTests {
  @Test(arguments: [(3, 1), (4, 2), (5, 2)])
  func eachPairOfHostsIsMeasuredAndAllRanksKnow(ranks: Int, ranksPerHost: Int) throws {
    let all = try InProcessGroup(size: ranks, ranksPerHost: ranksPerHost).run { communicator in
      try HostLink.measureAll(communicator).map {
        [
          Double($0.from), Double($0.to), $0.gigabits, $0.roundTripMicroseconds,
          $0.clockOffsetMilliseconds,
        ]
      }
    }
    let hosts = (ranks + ranksPerHost - 1) / ranksPerHost
    let pairs = (0..<hosts).flatMap { from in
      (from + 1..<hosts).map { [Double(from), Double($0)] }
    }
    #expect(all[0].map { Array($0[..<2]) } == pairs)
    for link in all[0] {
      // Both ends have one clock.
      #expect(link[2] > 0 && link[3] > 0 && Swift.abs(link[4]) < 1000)
    }
    #expect(all.allSatisfy { $0 == all[0] })
  }

  @Test func oneHostHasNoLinks() throws {
    #expect(try HostLink.measureAll(SoloCommunicator()).isEmpty)
  }

  @Test func aSlowLinkAndAWrongClockAreFindings() {
    func link(_ from: Int, _ to: Int, gigabits: Double = 9, clock: Double = 0.2) -> HostLink {
      HostLink(
        from: from, to: to, gigabits: gigabits, roundTripMicroseconds: 80,
        clockOffsetMilliseconds: clock)
    }
    let hosts = ["a", "b", "c"]
    #expect([link(0, 1), link(0, 2), link(1, 2)].findings(hosts: hosts).isEmpty)
    let slow = [link(0, 1), link(0, 2), link(1, 2, gigabits: 0.9)].findings(hosts: hosts)
    #expect(
      slow.count == 1 && slow[0].hasPrefix("b and c: ") && slow[0].contains("10 times slower"))
    let clock = [link(0, 1), link(0, 2, clock: -7_200_000), link(1, 2)].findings(hosts: hosts)
    #expect(clock.count == 1 && clock[0].contains("a and c: their clocks are 7200.0 s apart"))
  }
}
