import LockstepSupervision
import Testing

/// Which hosts a job has, by a file or by Slurm.
@Suite struct HostListTests {
  private func parse(_ text: String) throws -> [HostSlots] {
    try HostSlots.parse(text, source: "hosts")
  }

  @Test func hostsAndSlotsAreReadAsOpenMPIWritesThem() throws {
    let text =
      "# the lab's\n\nnode1 slots=2\nnode3 slots = 4\n  node-2.lab\tslots=16 # new\r\n10.0.0.7\n"
    #expect(
      try parse(text) == [
        HostSlots(name: "node1", slots: 2), HostSlots(name: "node3", slots: 4),
        HostSlots(name: "node-2.lab", slots: 16),
        HostSlots(name: "10.0.0.7", slots: 1),
      ])
  }

  @Test(arguments: [
    ("node1 slots=two", HostListError.badLine(source: "hosts", line: 1, word: "slots=two")),
    ("a\nb slots=0", .badLine(source: "hosts", line: 2, word: "slots=0")),
    ("a\nb slots=5000", .badLine(source: "hosts", line: 2, word: "slots=5000")),
    ("node1 max-slots=4", .badLine(source: "hosts", line: 1, word: "max-slots=4")),
    ("node1 = slots", .badLine(source: "hosts", line: 1, word: "node1=slots")),
    ("--oversubscribe", .badLine(source: "hosts", line: 1, word: "--oversubscribe")),
    ("a;reboot", .badLine(source: "hosts", line: 1, word: "a;reboot")),
    ("a\nb\na slots=2", .repeated(source: "hosts", line: 3, name: "a")),
    ("# nobody\n", .empty(source: "hosts")),
  ])
  func whatIsNoHostIsRefusedByItsLine(_ text: String, _ error: HostListError) {
    #expect(throws: error) { try parse(text) }
  }

  @Test func aFileThatIsNotThereIsNamed() {
    #expect(
      throws: HostListError.notReadable(path: "/nobody/hosts", reason: "No such file or directory")
    ) {
      try HostSlots.read(fileAt: "/nobody/hosts")
    }
  }

  @Test(arguments: [
    ("2", [2]), ("2(x3),1", [2, 2, 2, 1]), ("1,16(x2)", [1, 16, 16]),
    ("", nil), ("2(x", nil), ("x3", nil), ("2(x0)", nil), ("0", nil), ("2,,1", nil),
    ("1(x99999999999)", nil),
  ])
  func slurmsCountsAreWrittenOut(_ notation: String, _ counts: [Int]?) {
    #expect(SlurmAllocation.counts(notation) == counts)
  }
}
