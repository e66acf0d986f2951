import Foundation
import TestSupport
import Testing

extension TrainedRunTests {
  /// Runs whose data and checkpoints are encrypted at rest.
  @Suite struct EncryptionRunTests {
    private static let key = ["--key-file", "key"]
    private static let encryptedData = [
      "--set",
      "data={train: secret/train.bin, validation: secret/validation.bin, tokenizer: secret/tokenizer.json}",
    ]
    private static let encrypts = ["--set", "checkpoint.encrypt=true"]

    /// A bench with a key, and the data set a second time, encrypted.
    private func bench() throws -> Workbench {
      let bench = try Workbench()
      for arguments in [
        ["key", "--output", "key"], ["encrypt", "data", "--output", "secret"] + Self.key,
        ["key", "--output", "other"],
      ] {
        let ending = try bench.run(arguments)
        try #require(ending.exitCode == 0, "\(ending.errorOutput)")
      }
      return bench
    }

    private func isEncrypted(_ bench: Workbench, _ name: String) -> Bool {
      FileManager.default.contents(atPath: bench.path(name))?.starts(
        with: [0x89] + Array("LSCRYPT".utf8)) == true
    }

    @Test func theParametersAreThoseOfThePlainFilesOnOneAndTwoRanks() throws {
      let bench = try bench()
      let plain = try bench.train("plain", Workbench.tiny)
      for ranks in [nil, 2] {
        let name = "run\(ranks ?? 1)"
        let secret = try bench.train(
          name, Workbench.tiny + Self.encryptedData + Self.encrypts + Self.key, ranks: ranks)
        #expect(secret.parametersSHA256 == plain.parametersSHA256)
        let checkpoint = name + "/checkpoints/step-00000050/"
        for file in [
          "model.safetensors", "optimizer.safetensors", "state.json", "config.json",
          "tokenizer.json", "data.json",
        ] {
          #expect(isEncrypted(bench, checkpoint + file), "\(file)")
        }
        #expect(!isEncrypted(bench, checkpoint + "manifest.json"))
      }
      // What the run learned from is the same data, however it is stored.
      for (old, new) in [("data", "kept"), ("secret", "data")] {
        try FileManager.default.moveItem(atPath: bench.path(old), toPath: bench.path(new))
      }
      let resumed = try bench.run(
        ["train", "run.yaml", "--quiet", "--resume", "--output", "plain"] + Workbench.tiny
          + Self.key)
      #expect(resumed.exitCode == 0, "\(resumed.errorOutput)")
    }

    @Test func aStoppedRunGoesOnFromItsEncryptedCheckpoint() throws {
      let bench = try bench()
      let whole = try bench.train("whole", Workbench.tiny)
      let run = try bench.start(
        ["train", "run.yaml", "--json", "--output", "run"] + Workbench.tiny + Self.encryptedData
          + Self.encrypts + Self.key)
      try #require(run.awaitStep(4, of: "checkpoint") != nil)
      run.send(SIGTERM)
      try #require(try run.wait().exitCode == 75)
      let refusals = [
        ([], "it is encrypted, and there is no key; give --key-file"),
        (["--key-file", "other"], "it was encrypted with another key than the one given"),
      ]
      for (key, message) in refusals {
        let refused = try bench.run(
          ["train", "run.yaml", "--resume", "--output", "run"] + Workbench.tiny
            + Self.encryptedData + key)
        #expect(refused.exitCode == 2, "\(refused.errorOutput)")
        #expect(refused.errorOutput.contains(message), "\(refused.errorOutput)")
      }
      // On two ranks, from encrypted checkpoints to plain ones.
      let resumed = try bench.train(
        "run", ["--resume"] + Workbench.tiny + Self.encryptedData + Self.key, ranks: 2)
      #expect(resumed.parametersSHA256 == whole.parametersSHA256)
      #expect(!isEncrypted(bench, "run/checkpoints/step-00000050/model.safetensors"))
    }

    @Test func aCheckpointIsDecryptedAndEncryptedAndStaysOne() throws {
      let bench = try bench()
      try bench.train("run", Workbench.tiny + ["--steps", "4"] + Self.encrypts + Self.key)
      let checkpoint = "run/checkpoints/step-00000004"
      for (command, input, output) in [
        ("decrypt", checkpoint, "plain"), ("encrypt", "plain", "again"),
      ] {
        let ending = try bench.run([command, input, "--output", output] + Self.key)
        #expect(ending.exitCode == 0, "\(ending.errorOutput)")
      }
      let plain = try bench.run(["inspect", "plain"])
      #expect(plain.exitCode == 0, "\(plain.errorOutput)")
      let refused = try bench.run(["inspect", "again"])
      #expect(refused.exitCode == 2, "\(refused.errorOutput)")
      let again = try bench.run(["inspect", "again"] + Self.key)
      #expect(again.exitCode == 0, "\(again.errorOutput)")
      #expect(isEncrypted(bench, "again/model.safetensors"))
      #expect(!isEncrypted(bench, "again/manifest.json"))
      let whole = try bench.run(["decrypt", "run", "--output", "elsewhere"] + Self.key)
      #expect(whole.exitCode == 2 && whole.errorOutput.contains("checkpoints/step-"))
    }

    /// With a new manifest it would look whole.
    @Test func aDamagedCheckpointIsNeitherEncryptedNorDecrypted() throws {
      let bench = try bench()
      try bench.train("run", Workbench.tiny + ["--steps", "8"])
      let (old, new) = ("run/checkpoints/step-00000004", "run/checkpoints/step-00000008")
      for (input, output) in [(old, "old"), (new, "new")] {
        let ending = try bench.run(["encrypt", input, "--output", output] + Self.key)
        try #require(ending.exitCode == 0, "\(ending.errorOutput)")
      }
      // A file of another checkpoint, which is authentic by itself.
      try FileManager.default.removeItem(atPath: bench.path("new/optimizer.safetensors"))
      try FileManager.default.copyItem(
        atPath: bench.path("old/optimizer.safetensors"),
        toPath: bench.path("new/optimizer.safetensors"))
      let model = URL(fileURLWithPath: bench.path(new + "/model.safetensors"))
      var bytes = try Data(contentsOf: model)
      bytes[bytes.count - 100] ^= 1
      try bytes.write(to: model)
      let names = try FileManager.default.contentsOfDirectory(atPath: bench.folder.path)
      for (command, input, file) in [
        ("encrypt", new, "model.safetensors"), ("decrypt", "new", "optimizer.safetensors"),
        // Of all in a directory, too.
        ("encrypt", "run/checkpoints", "step-00000008/model.safetensors"),
      ] {
        let refused = try bench.run([command, input, "--output", "out"] + Self.key)
        #expect(refused.exitCode == 2, "\(command): \(refused.errorOutput)")
        #expect(
          refused.errorOutput.contains("the checkpoint is not complete: ")
            && refused.errorOutput.contains("/\(file): has SHA-256 "), "\(refused.errorOutput)")
        let left = try FileManager.default.contentsOfDirectory(atPath: bench.folder.path)
        #expect(Set(left) == Set(names), "\(command)")
      }
    }

    @Test func aRunThatIsToEncryptWithoutAKeyIsNotBegun() throws {
      let bench = try Workbench()
      let refused = try bench.run(
        ["train", "run.yaml", "--output", "run"] + Workbench.tiny + Self.encrypts)
      #expect(refused.exitCode == 2)
      #expect(
        refused.errorOutput.contains("there is no key; give --key-file"), "\(refused.errorOutput)")
    }

    @Test func everyCommandThatOpensARunTakesTheKey() throws {
      let bench = try bench()
      try bench.train("run", Workbench.tiny + ["--steps", "4"] + Self.encrypts + Self.key)
      let commands = [
        ["evaluate", "run"], ["generate", "run", "--prompt", "a", "--max-tokens", "3"],
        ["inspect", "run/checkpoints/step-00000004"], ["convert", "run", "--output", "converted"],
        ["tokenize", "run", "--text", "a"],
      ]
      for command in commands {
        let refused = try bench.run(command)
        #expect(refused.exitCode == 2, "\(command): \(refused.errorOutput)")
        #expect(refused.errorOutput.contains("it is encrypted, and there is no key"), "\(command)")
        let opened = try bench.run(command + Self.key)
        #expect(opened.exitCode == 0, "\(command): \(opened.errorOutput)")
      }
    }

    @Test func aChangedTokenFileIsNamedWithItsChunk() throws {
      let bench = try bench()
      var bytes = try #require(FileManager.default.contents(atPath: bench.path("secret/train.bin")))
      bytes[80 + 65_552 + 10] ^= 1
      try bytes.write(to: URL(fileURLWithPath: bench.path("secret/train.bin")))
      for ranks in [nil, 2] {
        let refused = try bench.run(
          ["train", "run.yaml", "--output", "run"] + Workbench.tiny + Self.encryptedData + Self.key,
          ranks: ranks)
        #expect(refused.exitCode == 2, "\(refused.errorOutput)")
        #expect(refused.errorOutput.contains("secret/train.bin: "), "\(refused.errorOutput)")
        #expect(refused.errorOutput.contains("chunk 1 of 2"), "\(refused.errorOutput)")
      }
    }
  }
}
