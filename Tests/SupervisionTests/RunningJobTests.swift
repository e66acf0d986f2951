import Foundation
import LockstepSupervision
import Testing

/// A request to stop comes to a job that is only beginning.
@Suite struct RunningJobTests {
  @Test func aLauncherThatDoesNotListenYetIsAskedLater() throws {
    let path = FileManager.default.temporaryDirectory
      .appendingPathComponent("lockstep-fifo-\(UUID().uuidString)").path
    #expect(mkfifo(path, 0o600) == 0)
    defer { unlink(path) }
    let pipe = open(path, O_RDWR | O_CLOEXEC)
    defer { close(pipe) }
    // It listens from the moment on that it is told to go on.
    let script = """
      read word < "$0"
      trap 'exit 75' USR1
      while :; do sleep 0.1; done
      """
    // The threads that tests run on block signals, and a process begins with its parent's mask.
    let job = try RunningJob(
      ["--default-signal", "sh", "-c", script, path],
      processes: JobProcesses(mark: UUID().uuidString), startSeconds: 60)
    defer { job.end(atOnce: true) }
    job.stop()
    #expect(write(pipe, "go\n", 3) == 3)
    for _ in 0..<600 where job.isRunning {
      job.stop()
      DescriptorBytes.wait(for: [], seconds: 0.05)
    }
    #expect(!job.isRunning && job.exitCode == 75)
  }

  @Test func aProgramMayHaveAnEqualsSignInItsPath() throws {
    let folder = FileManager.default.temporaryDirectory
      .appendingPathComponent("lockstep-seed=1-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let program = folder.appendingPathComponent("program").path
    try Data("#!/bin/sh\nexit $1\n".utf8).write(to: URL(fileURLWithPath: program))
    try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: program)
    let job = try RunningJob(
      [program, "7"], processes: JobProcesses(mark: UUID().uuidString), startSeconds: 60)
    for _ in 0..<600 where job.isRunning { DescriptorBytes.wait(for: [], seconds: 0.05) }
    #expect(!job.isRunning && job.exitCode == 7)
    job.end(atOnce: true)
  }
}
