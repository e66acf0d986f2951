import Foundation
import LockstepCommunication
import TestSupport
import Testing

/// What a process may use, by the files that the kernel shows.
@Suite struct HostMemoryTests {
  private let folder: TemporaryDirectory

  init() throws {
    folder = try TemporaryDirectory()
    try write("MemTotal: 900 kB\nMemAvailable:     800 kB\n", to: "proc/meminfo")
  }

  private func write(_ text: String, to path: String) throws {
    let url = URL(fileURLWithPath: folder.path + "/" + path)
    try FileManager.default.createDirectory(
      at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
    try Data(text.utf8).write(to: url)
  }

  private var available: Int? {
    HostMemory.available(processes: folder.path + "/proc", groups: folder.path + "/groups")
  }

  @Test func withoutGroupsItIsWhatTheKernelCallsAvailable() throws {
    #expect(available == 800 << 10)
    try write("0::/none\n", to: "proc/self/cgroup")
    #expect(available == 800 << 10)
    #expect(HostMemory.available(processes: "/none", groups: "/none") == nil)
  }

  @Test func theTightestOfNestedGroupsCounts() throws {
    try write("0::/slurm/job/step\n", to: "proc/self/cgroup")
    try write("max\n", to: "groups/slurm/job/step/memory.max")
    try write("500000\n", to: "groups/slurm/job/memory.max")
    try write("700000\n", to: "groups/slurm/memory.max")
    #expect(available == 500_000)
    // What is used counts, but not the pages of files that the kernel can take back.
    try write("300000\n", to: "groups/slurm/job/memory.current")
    try write(
      "anon 1\ninactive_file 60000\nactive_file 40000\n", to: "groups/slurm/job/memory.stat")
    #expect(available == 300_000)
    try write("400000\n", to: "groups/memory.max")
    try write("390000\n", to: "groups/memory.current")
    #expect(available == 10_000)
  }

  @Test func countsBeyondWhatCanBeCountedAreNeverNegative() throws {
    // Not a number of this kernel's, but a file that something stands in for need not make sense.
    try write("MemAvailable: 10001111111111111 kB\n", to: "proc/meminfo")
    #expect(available == .max)
    try write("MemAvailable: 9223372036854775807 kB\n", to: "proc/meminfo")
    #expect(available == .max)
    try write("0::/a\n", to: "proc/self/cgroup")
    try write("500000\n", to: "groups/a/memory.max")
    try write("300000\n", to: "groups/a/memory.current")
    try write(
      "inactive_file 9223372036854775807\nactive_file 9223372036854775807\n",
      to: "groups/a/memory.stat")
    #expect(available == 500_000)
  }

  @Test func groupsOfVersionOneAreSeen() throws {
    try write("3:cpu,cpuacct:/a\n4:memory:/docker/box\n0::/\n", to: "proc/self/cgroup")
    let box = "groups/memory/docker/box/"
    try write("9223372036854771712\n", to: box + "memory.limit_in_bytes")
    #expect(available == 800 << 10)
    // A container sees its own group at the mount, under a path that is the host's.
    try write("600000\n", to: "groups/memory/memory.limit_in_bytes")
    try write("250000\n", to: "groups/memory/memory.usage_in_bytes")
    try write("total_inactive_file 50000\n", to: "groups/memory/memory.stat")
    #expect(available == 400_000)
  }
}
