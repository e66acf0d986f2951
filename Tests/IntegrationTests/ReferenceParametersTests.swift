import Foundation
import TestSupport
import Testing

extension TrainedRunTests {
  /// `scripts/parameters.sh`: a change that should not alter results leaves the bits of every
  /// ready-made run as `scripts/parameters.txt` has them.
  @Suite struct ReferenceParametersTests {
    @Test func everyConfigurationEndsWithTheRecordedBitsOnOneRankAndThree() throws {
      let repository = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent()
      let script = repository.appendingPathComponent("scripts/parameters.sh").path
      let command = try RunningCommand(
        ["LOCKSTEP=\(MPIRunner.product("lockstep").path)", "bash", script, "--check"],
        in: repository, timeout: .seconds(600))
      let ending = try command.wait()
      #expect(!ending.timedOut && ending.exitCode == 0, "\(ending.output)\(ending.errorOutput)")
      let configurations = try FileManager.default.contentsOfDirectory(
        atPath: repository.appendingPathComponent("configs").path
      ).filter { $0.hasSuffix(".yaml") }
      #expect(ending.output.split(separator: "\n").count == configurations.count)
    }
  }
}
