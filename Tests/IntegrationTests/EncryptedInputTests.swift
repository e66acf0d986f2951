import Foundation
import TestSupport
import Testing

extension TrainedRunTests {
  /// Commands that are given encrypted inputs, and keys that are where not all have them.
  @Suite struct EncryptedInputTests {
    private static let key = ["--key-file", "key"]

    /// What a command prints.
    private func output(_ bench: Workbench, _ arguments: [String]) throws -> String {
      let ending = try bench.run(arguments)
      try #require(ending.exitCode == 0, "\(arguments): \(ending.errorOutput)")
      return ending.output
    }

    private func encrypt(_ bench: Workbench, _ input: String, to output: String) throws {
      if !bench.exists("key") { _ = try self.output(bench, ["key", "--output", "key"]) }
      _ = try self.output(bench, ["encrypt", input, "--output", output] + Self.key)
    }

    /// Inverts a bit.
    private func damage(_ bench: Workbench, _ name: String, byte: Int) throws {
      var bytes = try #require(FileManager.default.contents(atPath: bench.path(name)))
      bytes[byte] ^= 1
      try bytes.write(to: URL(fileURLWithPath: bench.path(name)))
    }

    private func requireRefusal(
      _ bench: Workbench, _ arguments: [String], code: Int32 = 2, _ message: String
    ) throws {
      let refused = try bench.run(arguments)
      #expect(refused.exitCode == code, "\(arguments): \(refused.errorOutput)")
      #expect(refused.output.isEmpty, "\(arguments)")
      #expect(refused.errorOutput.contains(message), "\(arguments): \(refused.errorOutput)")
    }

    @Test func predictionsFromEncryptedRowsAreThoseFromPlainOnes() throws {
      let bench = try Workbench.ofSamples()
      _ = try output(bench, ["train", "kinds.yaml", "--quiet", "--output", "run"])
      try encrypt(bench, "test.csv", to: "secret.csv")
      let plain = try output(bench, ["predict", "run", "test.csv", "--csv"])
      let predict = ["predict", "run", "secret.csv", "--csv"]
      #expect(try output(bench, predict + Self.key) == plain)
      let piped = try bench.shell("lockstep predict run - --csv --key-file key < secret.csv")
      #expect(piped.exitCode == 0 && piped.output == plain, "\(piped.errorOutput)")
      try requireRefusal(bench, predict, "it is encrypted, and there is no key; give --key-file")
      try damage(bench, "secret.csv", byte: 200)
      try requireRefusal(bench, predict + Self.key, code: 1, "chunk 0 of 1")
    }

    /// Each read gets three bytes.
    @Test func encryptedRowsThatComeInSmallPiecesAreRead() throws {
      let bench = try Workbench.ofSamples()
      _ = try output(bench, ["train", "kinds.yaml", "--quiet", "--output", "run"])
      try encrypt(bench, "test.csv", to: "secret.csv")
      let plain = try output(bench, ["predict", "run", "test.csv", "--csv"])
      let piped = try bench.shell(
        "(dd if=secret.csv bs=3 oflag=direct status=none || true) | "
          + "lockstep predict run - --csv --key-file key")
      #expect(piped.exitCode == 0 && piped.output == plain, "\(piped.errorOutput)")
    }

    @Test func encryptedTextsFromStandardInputAreRead() throws {
      let bench = try Workbench()
      try encrypt(bench, "text.txt", to: "secret.txt")
      let prepare = "lockstep prepare - --tokenizer bytes --quiet --output"
      let keyless = try bench.shell("\(prepare) piped < secret.txt")
      #expect(keyless.exitCode == 2 && keyless.errorOutput.contains("there is no key"))
      let piped = try bench.shell("\(prepare) piped --key-file key < secret.txt")
      try #require(piped.exitCode == 0, "\(piped.errorOutput)")
      for name in ["train.bin", "validation.bin"] {
        #expect(
          FileManager.default.contents(atPath: bench.path("piped/" + name))
            == FileManager.default.contents(atPath: bench.path("data/" + name)), "\(name)")
      }
      let score = "LOCKSTEP_KEY_FILE=key lockstep score - text.txt --json"
      let scored = try bench.shell("\(score) < secret.txt")
      let plain = try bench.shell("\(score) < text.txt")
      #expect(scored.exitCode == 0 && scored.output == plain.output, "\(scored.errorOutput)")
    }

    /// There is no folder for temporary files.
    @Test func whatIsRedactedOfAnEncryptedTextIsNotWrittenToADiskInBetween() throws {
      let bench = try Workbench()
      try encrypt(bench, "text.txt", to: "secret.txt")
      func prepare(_ input: String, to name: String) throws -> RunningCommand.Ending {
        try bench.shell(
          "TMPDIR=$PWD/nowhere lockstep prepare \(input) --redact --tokenizer bytes --quiet "
            + "--output \(name) --key-file key")
      }
      #expect(try prepare("text.txt", to: "plain").errorOutput.contains("nowhere"))
      let secret = try prepare("secret.txt", to: "secret")
      try #require(secret.exitCode == 0, "\(secret.errorOutput)")
      #expect(
        FileManager.default.contents(atPath: bench.path("secret/train.bin"))
          == FileManager.default.contents(atPath: bench.path("data/train.bin")))
    }

    /// The key comes once, for the inputs and for the pseudonyms.
    @Test(arguments: [
      ("", "--key-descriptor 3"), ("", "--key-command 'cat <&3'"),
      ("LOCKSTEP_KEY_FILE=/dev/fd/3", ""),
    ])
    func pseudonymsOfAnEncryptedTextTakeTheKeyThatDecryptsIt(
      environment: String, option: String
    ) throws {
      let bench = try Workbench()
      try bench.write("the river\nwrite to ada@example.com\n", to: "mail.txt")
      try bench.write("Ada\nthe river\n", to: "names.txt")
      try encrypt(bench, "mail.txt", to: "secret.txt")
      try encrypt(bench, "names.txt", to: "secret-names.txt")
      let prepared = try bench.shell(
        "\(environment) lockstep prepare secret.txt --redact --pseudonyms --names secret-names.txt "
          + "--tokenizer bytes --quiet --validation-fraction 0 --output secret \(option) 3< <(cat key)"
      )
      try #require(prepared.exitCode == 0, "\(prepared.errorOutput)")
      let plain = try bench.shell(
        "lockstep prepare mail.txt --redact --pseudonyms --names names.txt --tokenizer bytes --quiet "
          + "--validation-fraction 0 --output plain --key-file key")
      try #require(plain.exitCode == 0, "\(plain.errorOutput)")
      #expect(
        FileManager.default.contents(atPath: bench.path("secret/train.bin"))
          == FileManager.default.contents(atPath: bench.path("plain/train.bin")))
      let redacted = try bench.shell(
        "\(environment) lockstep redact mail.txt --pseudonyms --names secret-names.txt --output - --quiet "
          + "\(option) 3< <(cat key)")
      #expect(redacted.exitCode == 0, "\(redacted.errorOutput)")
      #expect(redacted.output.hasPrefix("[NAME_"), "\(redacted.output)")
    }

    @Test func whatIsMeasuredOnEncryptedDataIsWhatIsMeasuredOnPlainOnes() throws {
      let bench = try Workbench()
      try bench.train("run", Workbench.tiny + ["--steps", "4"])
      try encrypt(bench, "data", to: "secret")
      let plain = try output(
        bench, ["evaluate", "run", "--data", "data/validation.bin", "--json"])
      let evaluate = ["evaluate", "run", "--data", "secret/validation.bin", "--json"]
      let found = try output(bench, evaluate + Self.key)
      #expect(
        found.replacing("secret/", with: "data/").removingTimes == plain.removingTimes)
      try requireRefusal(bench, evaluate, "there is no key; give --key-file")
      try damage(bench, "secret/validation.bin", byte: 2000)
      try requireRefusal(bench, evaluate + Self.key, code: 2, "secret/validation.bin: ")
    }

    @Test func anEncryptedModelContinuesATextAsThePlainOneDoes() throws {
      let bench = try Workbench()
      try bench.train("run", Workbench.tiny + ["--steps", "4"])
      try encrypt(bench, "run/checkpoints/step-00000004", to: "secret")
      let generate = ["--prompt", "eta", "--max-tokens", "20", "--temperature", "0"]
      let plain = try output(bench, ["generate", "run/checkpoints/step-00000004"] + generate)
      #expect(try output(bench, ["generate", "secret"] + generate + Self.key) == plain)
      try damage(bench, "secret/model.safetensors", byte: 3000)
      try requireRefusal(
        bench, ["generate", "secret"] + generate + Self.key, "secret/model.safetensors: ")
    }

    @Test func supervisedRanksGetTheKey() throws {
      let bench = try Workbench()
      try encrypt(bench, "data", to: "secret")
      let expected = try bench.train("plain", Workbench.tiny)
      let options =
        ["run.yaml", "--json", "--output", "run"] + Workbench.tiny
        + [
          "checkpoint.encrypt=true", "data.train=secret/train.bin",
          "data.validation=secret/validation.bin", "data.tokenizer=secret/tokenizer.json",
        ].flatMap { ["--set", $0] }
      let refused = try bench.run(["supervise", "--ranks", "2"] + options)
      #expect(refused.exitCode == 2, "\(refused.errorOutput)")
      #expect(refused.errorOutput.contains("there is no key; give --key-file"))
      #expect(!refused.errorOutput.contains("going on"), "wrong input is not tried again")

      let run = try bench.start(["supervise", "--ranks", "2"] + options + Self.key)
      try #require(run.awaitStep(8, of: "checkpoint") != nil)
      let launcher = try #require(RunningCommand.children(of: run.processID).first)
      kill(launcher, SIGKILL)
      let ending = try run.wait()
      #expect(ending.exitCode == 0 && !ending.timedOut, "\(ending.errorOutput)")
      #expect(ending.errorOutput.contains("going on from step"), "\(ending.errorOutput)")
      #expect(try bench.summary("run").parametersSHA256 == expected.parametersSHA256)
    }

    /// Rank one finds no key, or another one, as on a host to which nobody brought it.
    @Test(arguments: [
      ("", "it is encrypted, and there is no key; give --key-file"),
      ("-x LOCKSTEP_KEY_FILE=other", "it was encrypted with another key than the one given"),
      ("-x LOCKSTEP_KEY_FILE=nowhere", "nowhere"),
    ])
    func aRankWithoutTheKeyEndsTheRunWithWhatToDo(environment: String, message: String) throws {
      let bench = try Workbench()
      try encrypt(bench, "data", to: "secret")
      _ = try output(bench, ["key", "--output", "other"])
      let launch = MPIRunner.launch(ranks: 1, in: bench.folder).joined(separator: " ")
      let train =
        "lockstep train run.yaml --quiet --output run --set data.train=secret/train.bin "
        + "--set data.validation=secret/validation.bin --set data.tokenizer=secret/tokenizer.json"
      let ending = try bench.shell(
        "mpirun \(launch) -x LOCKSTEP_KEY_FILE=key \(train) : -np 1 \(environment) \(train)")
      #expect(ending.exitCode == 2, "\(ending.errorOutput)")
      #expect(ending.errorOutput.contains("secret/train.bin: "), "\(ending.errorOutput)")
      #expect(ending.errorOutput.contains(message), "\(ending.errorOutput)")
    }
  }
}

extension String {
  /// Without what depends on the machine.
  fileprivate var removingTimes: String {
    replacing(/"[a-z_]*(seconds|per_second)":[0-9.e+-]+/, with: "")
  }
}
