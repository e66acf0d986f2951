import Foundation
import LockstepModels
import LockstepTensors
import LockstepTraining
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

    @Test func aModelIsUsedInThePrecisionOfItsRunOrInAnother() throws {
      struct Report: Decodable { let loss: Double }
      struct Text: Decodable { let tokens: [Int32] }
      let bench = try Workbench()
      let summary = try bench.train("run", Self.bfloat16)
      func loss(_ options: [String] = [], ranks: Int? = nil) throws -> Double {
        let ending = try bench.run(
          ["evaluate", "run", "--json", "--sequences", "2"] + options, ranks: ranks)
        try #require(ending.exitCode == 0, "\(ending.errorOutput)")
        return try JSONDecoder().decode(Report.self, from: Data(ending.output.utf8)).loss
      }
      func tokens(_ options: [String]) throws -> [Int32] {
        let ending = try bench.run(
          ["generate", "run", "--json", "--prompt", "the sun", "--temperature", "0"] + options)
        try #require(ending.exitCode == 0, "\(ending.errorOutput)")
        return try JSONDecoder().decode(Text.self, from: Data(ending.output.utf8)).tokens
      }
      #expect(try loss() == summary.validationLoss)
      #expect(try loss(["--precision", "bfloat16"]) == summary.validationLoss)
      let difference = try abs(
        loss(["--precision", "float32"]) - (summary.validationLoss ?? .infinity))
      #expect(difference > 0 && difference < 0.05)
      if MPIRunner.isAvailable { #expect(try loss(ranks: 2) == summary.validationLoss) }
      let greedy = try tokens(["--max-tokens", "12"])
      #expect(try tokens(["--max-tokens", "12", "--precision", "bfloat16"]) == greedy)
      // One token more at a time, or a text anew: each position is computed in one order.
      let workspace = Workspace()
      let model = try TrainedModel.open(bench.path("run"), in: workspace)
      let start = try #require(model.tokenizer).encode("the sun")
      let all = start + greedy
      let logits = try workspace.withoutRecording {
        try model.languageModel().logits(of: Indices(all, shape: [1, all.count]))
      }
      let width = logits.shape.last
      for position in start.count..<all.count {
        let row = logits.elements[(position - 1) * width..<position * width]
        #expect(Int(all[position]) == row.indices.max { row[$0] < row[$1] }! - row.startIndex)
      }
      let wrong = try bench.run(["generate", "run", "--precision", "bfloat61"])
      #expect(wrong.exitCode == 2 && wrong.errorOutput.contains("bfloat61"))
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
