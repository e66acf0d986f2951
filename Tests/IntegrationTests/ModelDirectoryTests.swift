import Foundation
import LockstepExplanations
import TestSupport
import Testing

extension CommandLineTests {
  /// What a model is on disk, to all commands alike.
  @Suite struct ModelDirectoryTests {
    /// The commands that open a model of text, and what they print.
    private func outputs(_ bench: Workbench, of model: String) throws -> [String] {
      let commands = [
        ["generate", model, "--prompt", "the", "--max-tokens", "20", "--json"],
        ["evaluate", model, "--data", "data/validation.bin", "--json"],
        ["explain", model, "--text", "the", "--json"],
      ]
      return try commands.map { arguments in
        let ending = try bench.run(arguments)
        try #require(ending.exitCode == 0, "\(ending.errorOutput)")
        #expect(ending.errorOutput.isEmpty)
        return ending.output
      }
    }

    private func copy(_ bench: Workbench, _ names: [String], from: String, to: String) throws {
      try FileManager.default.createDirectory(
        atPath: bench.path(to), withIntermediateDirectories: true)
      for name in names {
        try FileManager.default.copyItem(
          atPath: bench.path(from + "/" + name), toPath: bench.path(to + "/" + name))
      }
    }

    struct Evaluated: Decodable {
      let loss: Double
    }

    /// A decoder that `transformers` does not know has no `config.json`.
    @Test func aTrainedModelIsUsableWithoutADescriptionForOthers() throws {
      let bench = try Workbench()
      try bench.train("run", Workbench.tiny)
      try copy(
        bench, ["config.yaml", "tokenizer.json", "model.safetensors"],
        from: "run/checkpoints/step-00000050", to: "bare")
      let (whole, bare) = (try outputs(bench, of: "run"), try outputs(bench, of: "bare"))
      #expect(whole[0] == bare[0])
      func loss(_ text: String) throws -> Double {
        try JSONDecoder().decode(Evaluated.self, from: Data(text.utf8)).loss
      }
      #expect(try loss(whole[1]) == loss(bare[1]))
      func lens(_ text: String) throws -> [Double] {
        try JSONDecoder().decode(TextExplanation.self, from: Data(text.utf8)).attribution.values
      }
      #expect(try lens(whole[2]) == lens(bare[2]))
      let inspected = try bench.run(["inspect", "bare"])
      #expect(inspected.exitCode == 0 && inspected.output.contains("gpt, 1 layer, 2 heads"))
    }

    /// `config.json` can not say all that `config.yaml` does, and may have been changed by hand.
    @Test func theRunsOwnConfigurationDecides() throws {
      let bench = try Workbench()
      try bench.train("run", Workbench.tiny)
      let files = ["config.yaml", "config.json", "tokenizer.json", "model.safetensors"]
      try copy(bench, files, from: "run/checkpoints/step-00000050", to: "both")
      try bench.write("{\"model_type\": \"something\"}", to: "both/config.json")
      #expect(try outputs(bench, of: "both")[0] == outputs(bench, of: "run")[0])
      try FileManager.default.removeItem(atPath: bench.path("both/config.yaml"))
      let ending = try bench.run(["generate", "both", "--prompt", "the"])
      #expect(ending.exitCode == 2 && ending.errorOutput.contains("both/config.json: "))
    }

    @Test func fallingBackToAnOlderCheckpointIsSaidAloud() throws {
      let bench = try Workbench()
      try bench.train("run", Workbench.tiny)
      let newest = "run/checkpoints/step-00000050"
      var bytes = try Data(contentsOf: bench.folder.appending(path: newest + "/model.safetensors"))
      bytes[bytes.count - 1] ^= 1
      try bytes.write(to: bench.folder.appending(path: newest + "/model.safetensors"))
      let told = "lockstep: \(newest) is not complete ("
      for arguments in [
        ["generate", "run", "--prompt", "the", "--json"], ["evaluate", "run", "--json"],
        ["explain", "run", "--text", "the", "--json"],
      ] {
        let ending = try bench.run(arguments)
        #expect(ending.exitCode == 0, "\(ending.errorOutput)")
        #expect(ending.messages.count == 1 && ending.errorOutput.hasPrefix(told))
        #expect(ending.errorOutput.contains("run/checkpoints/step-00000048 is read instead"))
        #expect(!ending.output.contains("step-00000050"))
      }
      let ranks = try bench.run(["evaluate", "run", "--json"], ranks: 2)
      #expect(ranks.exitCode == 0 && ranks.errorOutput.hasPrefix(told))
      #expect(ranks.messages.count == 1, "one rank speaks: \(ranks.errorOutput)")

      // Named itself, a checkpoint of another length is refused; there is nothing to fall back to.
      try bytes.dropLast(4).write(to: bench.folder.appending(path: newest + "/model.safetensors"))
      let ending = try bench.run(["generate", newest, "--prompt", "the"])
      #expect(ending.exitCode == 2)
      #expect(ending.errorOutput.contains("\(newest): the checkpoint is not complete: "))
    }

    @Test func anotherProgramsModelIsInspected() throws {
      let bench = try Workbench()
      let fixtures = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().appending(path: "Fixtures/ForeignModels")
      let ending = try bench.run(["inspect", fixtures.appending(path: "gpt2-shards").path])
      #expect(ending.exitCode == 0, "\(ending.errorOutput)")
      #expect(ending.output.contains("gpt, 2 layers, 2 heads, width 8, context 12"))
      #expect(ending.output.contains("model.safetensors.index.json"))
      #expect(ending.output.contains("transformer.wte.weight"))
      let half = try bench.run(
        ["inspect", fixtures.appending(path: "gpt2-float16").path, "--json"])
      #expect(half.exitCode == 0 && half.output.contains("\"type\":\"F16\""))
      let text = try bench.run(
        ["generate", fixtures.appending(path: "gpt2-float16").path, "--prompt", "a"])
      #expect(text.exitCode == 2 && text.errorOutput.contains("tokenizer.json is missing"))
    }
  }
}
