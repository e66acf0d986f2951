import Foundation
import LockstepReporting
import LockstepTraining
import Testing

extension CommandLineTests {
  /// `lockstep --version`, and where else the same is said.
  @Suite struct VersionTests {
    @Test func versionCompilerAndProcessorLevelArePrinted() throws {
      let bench = try Workbench()
      let ending = try bench.run(["--version"])
      #expect(ending.exitCode == 0, "\(ending.errorOutput)")
      #expect(ending.output == Provenance.current.description + "\n")
    }

    @Test func summaryOfARunSaysWhatMadeIt() throws {
      let bench = try Workbench()
      let summary = try bench.train("run", Workbench.tiny + ["--steps", "6"])
      #expect(summary.provenance == .current)
    }
  }
}
