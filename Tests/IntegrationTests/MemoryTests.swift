import Foundation
import TestSupport
import Testing

extension CommandLineTests {
  @Suite struct MemoryTests {
    /// With evaluations and checkpoints in between.
    @Test(arguments: [nil, 2])
    func residentMemoryDoesNotGrowBetweenStep10AndStep500(_ ranks: Int?) throws {
      let bench = try Workbench()
      let run = try bench.start(
        [
          "train", "run.yaml", "--json", "--output", "run", "--steps", "100000", "--set",
          "checkpoint.every=250",
        ] + Workbench.tiny, ranks: ranks)
      var processes = [run.processID]
      var early: [Int] = []
      try #require(run.awaitStep(10) != nil)
      if let ranks {
        processes = try (0..<ranks).map { try #require(run.processID(ofRank: $0)) }
      }
      early = try processes.map { try #require(RunningCommand.residentBytes(of: $0)) }
      try #require(run.awaitStep(500) != nil)
      let late = try processes.map { try #require(RunningCommand.residentBytes(of: $0)) }
      run.send(SIGUSR1)
      #expect(try run.wait().exitCode == 75)
      for (early, late) in zip(early, late) {
        // A first evaluation here, a heap's slack there; 1 KB leaked at each step would be 500 KB.
        #expect(late - early <= 400 << 10, "grew from \(early) to \(late) bytes")
      }
    }
  }
}
