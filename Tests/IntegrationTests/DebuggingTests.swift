import Foundation
import TestSupport
import Testing

extension CommandLineTests {
  @Suite struct DebuggingTests {
    @Test func gradientsAgreeWithFiniteDifferences() throws {
      let bench = try Workbench()
      let ending = try bench.run(["debug", "run.yaml", "--check-gradients"])
      #expect(ending.exitCode == 0, "\(ending.output)")
      #expect(ending.output.contains("all 28 gradients agree"), "\(ending.output)")
      #expect(!ending.output.contains("WRONG"))
    }

    @Test func aStepOfADistributedRunReplaysToTheSameBits() throws {
      let bench = try Workbench()
      try bench.train("run", ranks: 2)
      // From the beginning, as all early checkpoints are gone, and from a checkpoint.
      for (step, start) in [(3, "the beginning"), (48, "step 44"), (50, "step 48")] {
        let ending = try bench.run(["debug", "--replay", "run", "--step", "\(step)"])
        #expect(ending.exitCode == 0, "\(ending.output)\(ending.errorOutput)")
        #expect(ending.output.contains(start), "\(ending.output)")
        #expect(ending.output.split(separator: "\n").filter { $0.hasSuffix("equal") }.count == 2)
      }
      #expect(try bench.contents(of: "run/checkpoints").count > 0)
    }

    /// Before the first checkpoint there is nothing but the weights that the run began with.
    @Test(arguments: [["--set", "freeze=['*.bias']"], ["--set", "adapter={name: lora}"]])
    func aStepOfAFineTunedRunReplaysToTheSameBits(options: [String]) throws {
      let bench = try Workbench()
      try bench.train("base", Workbench.tiny + ["--set", "steps=6"])
      let begun = ["--set", "model={from: base}", "--set", "checkpoint.every=3"]
      try bench.train("run", begun + options + ["--set", "steps=6"])
      for (step, start) in [(2, "the beginning"), (4, "step 3")] {
        let ending = try bench.run(["debug", "--replay", "run", "--step", "\(step)"])
        #expect(ending.exitCode == 0, "\(ending.output)\(ending.errorOutput)")
        #expect(ending.output.contains(start), "\(ending.output)")
        #expect(ending.output.split(separator: "\n").filter { $0.hasSuffix("equal") }.count == 2)
      }
    }

    @Test func aReplayThatDiffersFails() throws {
      let bench = try Workbench()
      try bench.train("run", Workbench.tiny)
      let metrics = try bench.text("run/metrics.jsonl").split(separator: "\n")
      // The loss of step 9 where that of step 10 should be.
      let forged = metrics.map { line in
        let isNinth = line.hasPrefix("{\"step\":9,")
        return isNinth ? "{\"step\":10," + line.dropFirst(10) : String(line)
      }
      try bench.write(forged.joined(separator: "\n") + "\n", to: "run/metrics.jsonl")
      let ending = try bench.run(["debug", "--replay", "run", "--step", "10"])
      #expect(ending.exitCode == 1)
      #expect(ending.output.contains("DIFFERENT"), "\(ending.output)\(ending.errorOutput)")
    }

    @Test func aTracePrintsEveryLayerForwardAndBackward() throws {
      let bench = try Workbench()
      let ending = try bench.run(["debug", "run.yaml", "--trace"])
      #expect(ending.exitCode == 0, "\(ending.errorOutput)")
      let parts = ending.output.components(separatedBy: "\n\n")
      try #require(parts.count == 3, "\(ending.output)")
      let layers =
        ["embedding", "final norm"]
        + (0..<2).flatMap { block in
          ["attention", "feed-forward", "output"].map { "block \(block) \($0)" }
        }
      for (part, title) in zip(parts, ["forward", "backward"]) {
        let lines = part.split(separator: "\n")
        #expect(lines.first?.hasPrefix(title) == true)
        for layer in layers {
          #expect(
            lines.contains { $0.hasPrefix(layer) && $0.contains("[2, 48, 48]") },
            "\(title) of \(layer): \(part)")
        }
      }
      #expect(parts[1].contains("transformer.wte.weight"))
    }

    @Test func aRunOfThreadsGoesOn() throws {
      let bench = try Workbench()
      let command =
        ["debug", "run.yaml", "--ranks", "2", "--output", "run"] + Workbench.tiny
        + ["--set", "schedule={name: constant}"]
      let first = try bench.run(command + ["--steps", "8"])
      #expect(first.exitCode == 0, "\(first.errorOutput)")
      let again = try bench.run(command + ["--steps", "12"])
      #expect(again.exitCode == 2 && again.errorOutput.contains("add --resume"))
      let resumed = try bench.run(command + ["--steps", "12", "--resume"])
      #expect(resumed.exitCode == 0, "\(resumed.errorOutput)")
      #expect(try bench.recordedSteps("run") == Array(1...12))
      let alone = try bench.run(["debug", "run.yaml", "--resume"])
      #expect(alone.exitCode == 2 && alone.errorOutput.contains("--output"))
    }

    @Test func anErrorOfAllRanksIsToldByTheOneThatKnowsIt() throws {
      let bench = try Workbench()
      for _ in 0..<5 {
        let ending = try bench.run(
          ["debug", "run.yaml", "--ranks", "4", "--set", "data.train=none.bin"])
        #expect(ending.exitCode == 2)
        #expect(ending.messages.count == 1)
        #expect(ending.messages.first?.contains("none.bin") == true, "\(ending.errorOutput)")
      }
    }
  }
}
