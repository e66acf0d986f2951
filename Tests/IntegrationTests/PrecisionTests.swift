import Foundation
import TestSupport
import Testing

extension TrainedRunTests {
  /// `precision: bfloat16`: another result than float32's, and the same one everywhere.
  @Suite struct PrecisionTests {
    private static let bfloat16 = ["--set", "precision=bfloat16", "--steps", "12"]

    @Test func parametersAreTheSameOnAnyNumberOfRanksAndThreads() throws {
      let bench = try Workbench()
      let alone = try bench.train("alone", Self.bfloat16 + ["--set", "threads=1"])
      let single = try bench.train("float32", ["--steps", "12"])
      #expect(alone.parametersSHA256 != single.parametersSHA256)
      for threads in [2, 3] {
        let summary = try bench.train(
          "threads-\(threads)", Self.bfloat16 + ["--set", "threads=\(threads)"])
        #expect(summary.parametersSHA256 == alone.parametersSHA256, "\(threads) threads")
      }
      guard MPIRunner.isAvailable else { return }
      for ranks in [2, 3] {
        let summary = try bench.train("ranks-\(ranks)", Self.bfloat16, ranks: ranks)
        #expect(summary.parametersSHA256 == alone.parametersSHA256, "\(ranks) ranks")
        #expect(summary.validationLoss == alone.validationLoss)
      }
    }

    /// Other architectures multiply in other shapes and arrangements.
    @Test(arguments: [
      "{architecture: llama, layers: 2, heads: 4, key_value_heads: 2, width: 48, context: 48}",
      "{architecture: gpt, layers: 2, heads: 2, width: 48, context: 48, dropout: 0.1, recompute: true}",
    ])
    func everyVersionOfTheProductsLeadsToTheSameParameters(model: String) throws {
      let bench = try Workbench()
      let options = [
        "--set", "precision=bfloat16", "--steps", "3", "--set", "schedule={name: constant}",
        "--set", "model=\(model)",
      ]
      let expected = try bench.train("usual", options).parametersSHA256
      for version in 1...4 {
        let summary = try bench.train(
          "version-\(version)", options + ["--product-version", "\(version)"])
        #expect(summary.parametersSHA256 == expected, "version \(version)")
      }
    }

    /// A whole processor of another kind: AVX2, and neither AVX-512 nor AMX.
    @Test(.enabled(if: Emulator.isAvailable, "needs qemu-x86_64: Debian's package qemu-user"))
    func anEmulatedOlderProcessorComputesTheSameParameters() throws {
      let bench = try Workbench()
      let options =
        [
          "train", "run.yaml", "--quiet", "--set", "precision=bfloat16", "--steps", "1",
          "--set", "batch={sequences: 2, microbatches: 1}", "--set", "threads=1",
          "--set", "schedule={name: constant}", "--set", "evaluate.every=0",
        ] + Workbench.tiny
      let ending = try bench.run(options + ["--output", "here"])
      try #require(ending.exitCode == 0, "\(ending.errorOutput)")
      let emulated = try RunningCommand(
        ["qemu-x86_64", "-cpu", "Haswell", MPIRunner.product("lockstep").path] + options
          + ["--output", "emulated"], in: bench.folder, timeout: .seconds(300)
      ).wait()
      try #require(emulated.exitCode == 0, "\(emulated.errorOutput)")
      #expect(
        try bench.summary("emulated").parametersSHA256 == bench.summary("here").parametersSHA256)
    }

    @Test func aRunSaysByWhichInstructionsItMultiplies() throws {
      let bench = try Workbench()
      let options =
        ["train", "run.yaml", "--steps", "1", "--set", "precision=bfloat16"]
        + Workbench.tiny + ["--set", "schedule={name: constant}"]
      let ending = try bench.run(options + ["--output", "run", "--product-version", "2"])
      #expect(
        ending.output.contains(
          "precision    bfloat16, by AVX2: the same result as with AMX, no faster than float32"),
        "\(ending.output)")
    }

    @Test func whatOpenBLASCanNotDoIsRefused() throws {
      let bench = try Workbench()
      let ending = try bench.run([
        "train", "run.yaml", "--set", "precision=bfloat16", "--set", "products=openblas",
      ])
      #expect(ending.exitCode == 2)
      #expect(ending.errorOutput.contains("precision"), "\(ending.errorOutput)")
    }

    /// The precision is a part of what a run is.
    @Test func anotherPrecisionIsAnotherRun() throws {
      let bench = try Workbench()
      try bench.train("run", Self.bfloat16)
      let ending = try bench.run([
        "train", "run.yaml", "--output", "run", "--resume", "--steps", "14",
      ])
      #expect(ending.exitCode == 2)
      #expect(ending.errorOutput.contains("precision"), "\(ending.errorOutput)")
    }
  }
}

/// Debian's qemu-user, which runs a program as another processor would.
enum Emulator {
  static var isAvailable: Bool {
    (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":").contains {
      FileManager.default.isExecutableFile(atPath: $0 + "/qemu-x86_64")
    }
  }
}
