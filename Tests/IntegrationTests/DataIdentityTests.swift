import Foundation
import TestSupport
import Testing

extension TrainedRunTests {
  /// What a run learned from belongs to what it is.
  @Suite struct DataIdentityTests {
    /// A run that is stopped after its fourth step or later.
    private func stop(_ bench: Workbench, _ options: [String] = []) throws {
      let run = try bench.start(
        ["train", "run.yaml", "--json", "--output", "run"] + Workbench.tiny + options)
      try #require(run.awaitStep(4, of: "checkpoint") != nil)
      run.send(SIGTERM)
      try #require(try run.wait().exitCode == 75)
    }

    private func resume(
      _ bench: Workbench, _ options: [String] = [], output: String = "run", ranks: Int? = nil
    ) throws -> RunningCommand.Ending {
      try bench.run(
        ["train", "run.yaml", "--output", output, "--resume"] + Workbench.tiny + options,
        ranks: ranks)
    }

    private func prepare(_ bench: Workbench, text: String, _ tokenizer: [String]) throws {
      try bench.write(text, to: "text.txt")
      let ending = try bench.run(
        ["prepare", "text.txt", "--output", "data", "--overwrite"] + tokenizer)
      try #require(ending.exitCode == 0, "\(ending.errorOutput)")
    }

    private static let bytes = ["--tokenizer", "bytes"]

    @Test func anotherTextUnderTheSameNameIsRefusedUnlessItIsMeant() throws {
      let bench = try Workbench()
      try stop(bench)
      try prepare(bench, text: Workbench.sentences(count: 900).uppercased(), Self.bytes)
      let before = try bench.contents(of: "run")
      for ranks in [nil, 2] {
        let refused = try resume(bench, ranks: ranks)
        #expect(refused.exitCode == 2)
        #expect(refused.messages.count == 1)
        for text in [
          "run learned from other data", "data.train: data/train.bin had ", "data.validation: ",
          "--set data.changed=accept",
        ] {
          #expect(refused.errorOutput.contains(text), "\(refused.errorOutput)")
        }
      }
      #expect(try bench.contents(of: "run") == before)
      let accepted = try resume(bench, ["--set", "data.changed=accept"])
      #expect(accepted.exitCode == 0, "\(accepted.errorOutput)")
      #expect(
        accepted.output.contains("data.changed: accept: data.train: data/train.bin had "),
        "\(accepted.output)")
      // From here on the new data are the run's.
      let again = try resume(bench)
      #expect(again.exitCode == 0, "\(again.errorOutput)")
      #expect(!again.output.contains("data.changed"))
    }

    @Test func theSameTextPreparedAnewIsTheSame() throws {
      let bench = try Workbench()
      try stop(bench)
      try prepare(bench, text: try bench.text("text.txt"), Self.bytes)
      let ending = try resume(bench)
      #expect(ending.exitCode == 0 && !ending.output.contains("data.changed"))
    }

    @Test func anotherTokenizerOfTheSameSizeIsRefusedWhateverIsAccepted() throws {
      let bench = try Workbench()
      let learned = ["--tokenizer", "bpe", "--vocabulary-size", "300"]
      try prepare(bench, text: Workbench.sentences(count: 800), learned)
      try stop(bench)
      try prepare(bench, text: Workbench.sentences(count: 800).uppercased(), learned)
      for options in [[], ["--set", "data.changed=accept"]] {
        let refused = try resume(bench, options)
        #expect(refused.exitCode == 2)
        #expect(
          refused.errorOutput.contains("data.tokenizer: the tokenizer was "),
          "\(refused.errorOutput)")
        #expect(!refused.errorOutput.contains("data.changed=accept"))
      }
    }

    @Test func otherDataToEvaluateOnAreRefusedUnderTheirOldNameAndToldOfUnderANewOne() throws {
      let bench = try Workbench()
      try stop(bench)
      try FileManager.default.moveItem(
        atPath: bench.path("data/validation.bin"), toPath: bench.path("data/old.bin"))
      try FileManager.default.copyItem(
        atPath: bench.path("data/train.bin"), toPath: bench.path("data/validation.bin"))
      let refused = try resume(bench)
      #expect(refused.exitCode == 2)
      #expect(refused.errorOutput.contains("data.validation: data/validation.bin had "))
      #expect(!refused.errorOutput.contains("data.train"), "\(refused.errorOutput)")
      let renamed = try resume(bench, ["--set", "data.validation=data/train.bin"])
      #expect(renamed.exitCode == 0, "\(renamed.errorOutput)")
      #expect(
        renamed.output.contains("data.validation: is evaluated on from here on"),
        "\(renamed.output)")
    }

    @Test func aRunThatRecordedNothingResumesWithANotice() throws {
      let bench = try Workbench()
      try stop(bench)
      for step in try FileManager.default.contentsOfDirectory(
        atPath: bench.path("run/checkpoints"))
      {
        let folder = "run/checkpoints/\(step)"
        var manifest = try SealedManifest(of: bench.path(folder))
        manifest.files.removeAll { $0["name"] as? String == "data.json" }
        try manifest.write(to: bench.path(folder))
        try FileManager.default.removeItem(atPath: bench.path(folder + "/data.json"))
      }
      let ending = try resume(bench)
      #expect(ending.exitCode == 0, "\(ending.errorOutput)")
      #expect(ending.output.contains("did not record its data"), "\(ending.output)")
    }

    @Test func aModelDoesNotTakeATokenizerThatIsNotItsOwn() throws {
      let bench = try Workbench()
      try bench.train("run", Workbench.tiny)
      let other = try bench.run(
        ["prepare", "text.txt", "--output", "other", "--tokenizer", "characters"])
      try #require(other.exitCode == 0)
      let place = bench.path("run/checkpoints/step-00000050/tokenizer.json")
      try FileManager.default.removeItem(atPath: place)
      try FileManager.default.copyItem(
        atPath: bench.path("other/tokenizer.json"), toPath: place)
      // A copy without the manifest, which would tell of the change.
      try FileManager.default.copyItem(
        atPath: bench.path("run/checkpoints/step-00000050"), toPath: bench.path("copy"))
      try FileManager.default.removeItem(atPath: bench.path("copy/manifest.json"))
      for command in [["generate", "copy", "--prompt", "the"], ["evaluate", "copy"]] {
        let ending = try bench.run(command)
        #expect(ending.exitCode == 2)
        #expect(
          ending.errorOutput.contains("but the model beside it learned with"),
          "\(ending.errorOutput)")
      }
    }

    @Test func aSweepIsResumedOnTheDataThatItsTrialsLearnedFrom() throws {
      let bench = try Workbench()
      try bench.write(
        "{base: run.yaml, parameters: {optimizer.learning_rate: {values: [1e-3, 1e-2]}}}",
        to: "search.yaml")
      let arguments = ["sweep", "search.yaml", "--output", "out"] + Workbench.tiny
      let first = try bench.run(arguments)
      #expect(first.exitCode == 0, "\(first.errorOutput)")
      #expect(try bench.run(arguments + ["--resume"]).exitCode == 0)
      try prepare(bench, text: Workbench.sentences(count: 900).uppercased(), Self.bytes)
      let refused = try bench.run(arguments + ["--resume"])
      #expect(refused.exitCode == 2)
      #expect(
        refused.errorOutput.contains("out/trials/0001 learned from other data"),
        "\(refused.errorOutput)")
      let accepted = try bench.run(
        arguments + ["--resume", "--set", "data.changed=accept"])
      #expect(accepted.exitCode == 0, "\(accepted.errorOutput)")
    }
  }

  /// The same of tables.
  @Suite struct SampleIdentityTests {
    private static let configuration = """
      task: classification
      data: {format: csv, train: train.csv, target: kind}
      model: {architecture: linear}
      batch: {sequences: 5, microbatches: 2}
      schedule: {name: constant}
      steps: 20
      """

    /// - Parameter kinds: The classes, in turn.
    private func table(
      rows: Int, columns: String = "x,y", kinds: [String] = ["a", "b"], scale: Int = 1
    ) -> String {
      "kind,\(columns)\n"
        + (0..<rows).map { "\(kinds[$0 % kinds.count]),\($0 * scale),\(($0 * 7) % 11)\n" }.joined()
    }

    private func run(_ bench: Workbench, _ options: [String]) throws -> RunningCommand.Ending {
      try bench.run(["train", "table.yaml", "--output", "run"] + options)
    }

    private func trained() throws -> Workbench {
      let bench = try Workbench()
      try bench.write(Self.configuration, to: "table.yaml")
      try bench.write(table(rows: 40), to: "train.csv")
      let ending = try run(bench, [])
      try #require(ending.exitCode == 0, "\(ending.errorOutput)")
      return bench
    }

    @Test func aTableThatGrewIsAcceptedWithTheModelsOwnNormalisation() throws {
      let bench = try trained()
      try bench.write(table(rows: 60, scale: 3), to: "train.csv")
      let refused = try run(bench, ["--resume", "--steps", "30"])
      #expect(refused.exitCode == 2)
      #expect(refused.errorOutput.contains("data.train: train.csv had "), "\(refused.errorOutput)")
      let options = ["--resume", "--steps", "30", "--set", "data.changed=accept"]
      let accepted = try run(bench, options)
      #expect(accepted.exitCode == 0, "\(accepted.errorOutput)")
      func samples(_ step: Int) throws -> String {
        try bench.text("run/checkpoints/step-000000\(step)/samples.json")
      }
      #expect(try samples(30) == samples(20))
      // And so it stays, with the data of that step.
      let later = try run(bench, ["--resume", "--steps", "40"])
      #expect(later.exitCode == 0, "\(later.errorOutput)")
      #expect(try samples(40) == samples(20))
    }

    @Test func otherClassesOrColumnsAreRefusedWhateverIsAccepted() throws {
      let bench = try trained()
      for (content, message) in [
        (
          table(rows: 40, kinds: ["a", "b", "c"]),
          "data.train: there were 2 classes, there are 3, with c"
        ),
        (
          table(rows: 40, kinds: ["a", "c"]),
          "data.train: there were 2 classes, there are 2, without b, with c"
        ),
        (
          table(rows: 40, columns: "x,z"),
          "data.columns: there were 2 columns, there are 2, without y, with z"
        ),
        (
          table(rows: 40, columns: "y,x"),
          "data.columns: there were 2 columns, there are 2, in another order"
        ),
      ] {
        try bench.write(content, to: "train.csv")
        let refused = try run(bench, ["--resume", "--steps", "30", "--set", "data.changed=accept"])
        #expect(refused.exitCode == 2)
        #expect(refused.errorOutput.contains(message), "\(refused.errorOutput)")
      }
    }
  }
}
