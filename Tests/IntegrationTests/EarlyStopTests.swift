import Foundation
import TestSupport
import Testing

extension TrainedRunTests {
  /// A signal that comes while a run begins.
  @Suite struct EarlyStopTests {
    /// Opens a pipe for writing once somebody has it open for reading.
    private func openWhenRead(_ path: String) throws -> Int32 {
      for _ in 0..<1200 {
        let writer = open(path, O_WRONLY | O_NONBLOCK | O_CLOEXEC)
        if writer >= 0 { return writer }
        usleep(50_000)
      }
      throw CocoaError(.fileReadUnknown)
    }

    /// The ranks have found each other, and the first one reads the configuration, from a pipe.
    @Test(arguments: [nil, 2])
    func aSignalBeforeTheConfigurationIsReadSavesAfterAStep(_ ranks: Int?) throws {
      let bench = try Workbench()
      let path = bench.path("pipe.yaml")
      #expect(mkfifo(path, 0o600) == 0)
      let run = try bench.start(["train", "pipe.yaml", "--output", "run"], ranks: ranks)
      let writer = try openWhenRead(path)
      // The run may be gone: a pipe with a reader can be written all the same.
      let reader = open(path, O_RDWR | O_CLOEXEC)
      run.send(SIGUSR1)
      let text = Array(Workbench.configuration.utf8)
      #expect(write(writer, text, text.count) == text.count)
      close(writer)
      close(reader)
      let ending = try run.wait()
      #expect(ending.exitCode == 75 && !ending.timedOut, "\(ending.errorOutput)")
      let checkpoints = try FileManager.default.contentsOfDirectory(
        atPath: bench.path("run/checkpoints"))
      #expect(checkpoints == ["step-00000001"])
    }
  }
}
