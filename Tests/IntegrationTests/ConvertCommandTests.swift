import Foundation
import LockstepTraining
import TestSupport
import Testing

extension CommandLineTests {
  /// `lockstep convert`, and what its files are to the other commands.
  @Suite struct ConvertCommandTests {
    /// A workbench with a run of a small Llama that reads tokens of a byte-pair encoding.
    private func bench() throws -> Workbench {
      let bench = try Workbench()
      let prepared = try bench.run([
        "prepare", "text.txt", "--output", "bpe", "--vocabulary-size", "300", "--quiet",
      ])
      try #require(prepared.exitCode == 0, "\(prepared.errorOutput)")
      try bench.write(
        """
        data: {train: bpe/train.bin, validation: bpe/validation.bin, tokenizer: bpe/tokenizer.json}
        model:
          architecture: llama
          layers: 2
          heads: 2
          key_value_heads: 1
          width: 32
          context: 24
          rope_scaling: {name: llama3, factor: 4, original_context: 12}
        batch: {sequences: 2, microbatches: 2}
        schedule: {warmup_steps: 0}
        steps: 5
        """, to: "run.yaml")
      try bench.train("run")
      return bench
    }

    private func outputs(_ bench: Workbench, of model: String) throws -> [String] {
      let commands = [
        ["generate", model, "--prompt", "the", "--max-tokens", "20", "--json"],
        ["evaluate", model, "--data", "bpe/validation.bin", "--json"],
        ["explain", model, "--text", "the", "--json"],
      ]
      return try commands.map { arguments in
        let ending = try bench.run(arguments)
        try #require(ending.exitCode == 0, "\(ending.errorOutput)")
        return ending.output
      }
    }

    private struct Evaluated: Decodable, Equatable {
      let loss: Double
    }

    private struct Explained: Decodable, Equatable {
      struct Prediction: Decodable, Equatable {
        let logit: Double
      }
      let prediction: Prediction
    }

    private func decoded<Value: Decodable>(_ text: String, as type: Value.Type) throws -> Value {
      let decoder = JSONDecoder()
      decoder.keyDecodingStrategy = .convertFromSnakeCase
      return try decoder.decode(type, from: Data(text.utf8))
    }

    @Test func everyFormOfARunIsTheSameToAllCommands() throws {
      let bench = try bench()
      let conversions = [
        ["convert", "run", "--output", "file", "--format", "gguf"],
        ["convert", "file/model.gguf", "--output", "directory"],
        ["convert", "directory", "--output", "again", "--format", "gguf", "--quiet"],
      ]
      for arguments in conversions {
        let ending = try bench.run(arguments)
        try #require(ending.exitCode == 0 && ending.errorOutput.isEmpty, "\(ending.errorOutput)")
        #expect(ending.output.isEmpty == arguments.contains("--quiet"))
      }
      let expected = try outputs(bench, of: "run")
      for model in ["file", "file/model.gguf", "directory", "again/model.gguf"] {
        let found = try outputs(bench, of: model)
        #expect(found[0] == expected[0], "\(model)")
        // Where the model was, and its step, are others.
        #expect(
          try decoded(found[1], as: Evaluated.self) == decoded(expected[1], as: Evaluated.self))
        #expect(
          try decoded(found[2], as: Explained.self) == decoded(expected[2], as: Explained.self))
        let inspected = try bench.run(["inspect", model])
        #expect(
          inspected.exitCode == 0 && inspected.output.contains("positions stretched 4.0 times"))
      }
    }

    @Test func whatWasWrittenIsPrintedAsJSON() throws {
      struct Written: Decodable {
        struct File: Decodable { let name: String }
        let parameters: Int
        let types: [String: Int]
        let largestError: Double
        let files: [File]
      }
      let bench = try bench()
      let ending = try bench.run([
        "convert", "run", "--output", "small", "--format", "gguf", "--type", "q8_0", "--json",
      ])
      let written = try decoded(ending.output, as: Written.self)
      #expect(written.types.keys.sorted() == ["F32", "Q8_0"] && written.largestError > 0)
      #expect(written.parameters > 9600 && written.files.map(\.name) == ["model.gguf"])
    }

    @Test func wrongInputEndsWithOneLineAndNothingWritten() throws {
      let bench = try bench()
      _ = try bench.run(["convert", "run", "--output", "file", "--format", "gguf", "--quiet"])
      let whole = try Data(contentsOf: URL(fileURLWithPath: bench.path("file/model.gguf")))
      try whole.prefix(whole.count / 2).write(
        to: URL(fileURLWithPath: bench.path("cut.gguf")))
      let before = try FileManager.default.contentsOfDirectory(atPath: bench.folder.path).sorted()
      let cases: [([String], String)] = [
        (["convert", "cut.gguf", "--output", "new"], "cut.gguf: tensor '"),
        (["convert", "nowhere", "--output", "new"], "nowhere: no such run or checkpoint"),
        (["convert", "text.txt", "--output", "new"], "text.txt: a file; expected a run"),
        (
          ["convert", "run", "--output", "new", "--type", "q4_0"],
          "--type q4_0 is for --format gguf"
        ),
        (
          ["convert", "run", "--output", "file"], "file: holds model.gguf; --overwrite replaces it"
        ),
        (["convert", "run", "--output", "bpe", "--overwrite"], "which no conversion wrote"),
        (["convert", "run", "--output", "text.txt"], "text.txt: is a file; name a directory"),
        (
          ["convert", "run", "--output", "."],
          ".: can not be replaced, for it is the current directory"
        ),
        (["convert", "run", "--output", "/proc"], "/proc: can not be replaced"),
        (["convert", "run", "--output", "text.txt/new"], "text.txt"),
        (["generate", "cut.gguf", "--prompt", "a"], "cut.gguf: tensor '"),
        (["evaluate", "cut.gguf", "--data", "bpe/validation.bin"], "cut.gguf: tensor '"),
        (["inspect", "cut.gguf"], "cut.gguf: tensor '"),
      ]
      for (arguments, message) in cases {
        let ending = try bench.run(arguments)
        #expect(ending.exitCode == 2, "\(arguments): \(ending.errorOutput)")
        #expect(
          ending.errorOutput.hasPrefix("lockstep: ") && ending.errorOutput.contains(message),
          "\(arguments): \(ending.errorOutput)")
        #expect(ending.errorOutput.split(separator: "\n").count == 1 && ending.output.isEmpty)
      }
      let after = try FileManager.default.contentsOfDirectory(atPath: bench.folder.path).sorted()
      #expect(after == before)
    }

    @Test func architecturesThatOthersLackAreNamed() throws {
      let bench = try Workbench()
      try bench.write("x,y\n" + (0..<40).map { "\($0),\(2 * $0)\n" }.joined(), to: "line.csv")
      try bench.write(
        """
        task: regression
        data: {format: csv, train: line.csv, validation: line.csv, target: y}
        model: {architecture: linear}
        batch: {sequences: 4, microbatches: 1}
        schedule: {name: constant}
        steps: 2
        """, to: "run.yaml")
      try bench.train("line")
      for format in ["safetensors", "gguf"] {
        let ending = try bench.run(["convert", "line", "--output", "new", "--format", format])
        #expect(ending.exitCode == 2)
        #expect(ending.errorOutput.contains("architecture linear has no form in"))
        #expect(!bench.exists("new"))
      }
    }
  }
}
