import LockstepTraining
import Testing

/// Which interface carried messages follows from the system's counters.
@Suite struct NetworkInterfaceTests {
  private func counters(_ loopback: Int, _ ethernet: Int, _ infiniband: Int) -> NetworkInterface {
    func line(_ name: String, _ sent: Int) -> String {
      "  \(name):  900000000 3 0 0 0 0 0 0 \(sent) 8 0 0 0 0 0 0\n"
    }
    return NetworkInterface(
      text: """
        Inter-|   Receive                                                |  Transmit
         face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop

        """ + line("lo", loopback) + line("eth0", ethernet) + line("ib0", infiniband))
  }

  @Test func itIsTheOneThatSentTheMost() {
    let before = counters(5000, 100, 7)
    #expect(before.sent == ["lo": 5000, "eth0": 100, "ib0": 7])
    #expect(counters(5010, 1_150, 8).carrier(of: 1000, since: before) == "eth0")
    #expect(counters(5600, 101, 1_017).carrier(of: 1000, since: before) == "ib0")
  }

  @Test func messagesThatTheSystemDoesNotCountHaveNone() {
    let before = counters(5000, 100, 7)
    #expect(counters(5400, 300, 8).carrier(of: 1000, since: before) == nil)
    #expect(NetworkInterface(text: "").carrier(of: 1000, since: before) == nil)
  }

  @Test func aLinkNamesTheInterfacesOfBothHosts() {
    func link(_ from: String?, _ to: String?) -> String {
      HostLink(
        from: 0, to: 1, gigabits: 1, roundTripMicroseconds: 1, clockOffsetMilliseconds: 0,
        fromInterface: from, toInterface: to
      ).interfaces
    }
    #expect(link("eth0", "eth0") == "eth0")
    #expect(link("eth0", "ib0") == "eth0 and ib0")
    #expect(link(nil, nil) == "no interface that the system counts")
  }
}
