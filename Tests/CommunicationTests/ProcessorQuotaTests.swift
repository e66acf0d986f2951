import Foundation
import LockstepCommunication
import TestSupport
import Testing

/// How much of the processors a process may use, by the files that the kernel shows: as the command sees
/// it, and as the scripts of `launch` do.
@Suite struct ProcessorQuotaTests {
  private let folder: TemporaryDirectory

  init() throws { folder = try TemporaryDirectory() }

  private func write(_ text: String, to path: String) throws {
    let url = URL(fileURLWithPath: folder.path + "/" + path)
    try FileManager.default.createDirectory(
      at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
    try Data(text.utf8).write(to: url)
  }

  private var processes: String { folder.path + "/proc" }
  private var groups: String { folder.path + "/groups" }

  /// Both answers, which must be one.
  private func expectQuota(_ expected: Int?, sourceLocation: SourceLocation = #_sourceLocation)
    throws
  {
    #expect(
      ProcessorQuota.current(processes: processes, groups: groups) == expected,
      sourceLocation: sourceLocation)
    let script = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .appendingPathComponent("../../launch/common.sh").standardizedFileURL.path
    let (process, pipe) = (Process(), Pipe())
    process.executableURL = URL(fileURLWithPath: "/bin/bash")
    process.arguments = [
      "-c", "set -euo pipefail; source \"$1\"; least_quota \"$2\" \"$3\"", "bash", script,
      processes,
      groups,
    ]
    process.standardOutput = pipe
    try process.run()
    let output = String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    #expect(process.terminationStatus == 0, sourceLocation: sourceLocation)
    #expect(
      output == (expected.map { "\($0)\n" } ?? ""), "launch/common.sh",
      sourceLocation: sourceLocation)
  }

  @Test func withoutGroupsOrQuotasThereIsNoLimit() throws {
    try expectQuota(nil)
    try write("0::/a\n", to: "proc/self/cgroup")
    try expectQuota(nil)
    try write("max 100000\n", to: "groups/a/cpu.max")
    try expectQuota(nil)
  }

  @Test func theTightestOfNestedGroupsCounts() throws {
    try write("0::/slurm/job/step\n", to: "proc/self/cgroup")
    try write("max 100000\n", to: "groups/slurm/job/step/cpu.max")
    try write("250000 100000\n", to: "groups/slurm/job/cpu.max")
    try write("800000 100000\n", to: "groups/slurm/cpu.max")
    try expectQuota(3)
    try write("50000 100000\n", to: "groups/slurm/job/step/cpu.max")
    try expectQuota(1)
    // Another job's is not ours.
    try write("0::/slurm/other\n", to: "proc/self/cgroup")
    try expectQuota(8)
  }

  @Test func groupsOfVersionOneAreSeen() throws {
    try write(
      "5:cpuset:/none\n4:cpu,cpuacct:/docker/box\n3:memory:/a\n0::/\n", to: "proc/self/cgroup")
    let box = "groups/cpu/docker/box/"
    try write("-1\n", to: box + "cpu.cfs_quota_us")
    try write("100000\n", to: box + "cpu.cfs_period_us")
    try expectQuota(nil)
    try write("400000\n", to: box + "cpu.cfs_quota_us")
    try expectQuota(4)
    // A container sees its own group at the mount, under a path that is the host's.
    try write("150000\n", to: "groups/cpu/cpu.cfs_quota_us")
    try write("100000\n", to: "groups/cpu/cpu.cfs_period_us")
    try expectQuota(2)
    // Names of other controllers that begin alike are others.
    try write("5:cpuset,cpuacct:/docker/box\n", to: "proc/self/cgroup")
    try expectQuota(nil)
  }
}
