import Foundation
import TestSupport
import Testing

extension CommandLineTests {
  /// `lockstep predict`: what a trained model says of new rows, images and texts.
  @Suite struct PredictCommandTests {
    private func json(_ text: String) throws -> [String: Any] {
      try #require(JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
    }

    private func objects(_ text: String) throws -> [[String: Any]] {
      try text.split(separator: "\n").map { try json(String($0)) }
    }

    private func output(
      _ bench: Workbench, _ arguments: [String], input: String? = nil
    ) throws -> String {
      let ending = try bench.run(arguments, input: input)
      try #require(ending.exitCode == 0, "\(arguments): \(ending.errorOutput)")
      return ending.output
    }

    private func train(_ bench: Workbench, _ configuration: String, _ options: [String] = []) throws
    {
      _ = try output(
        bench, ["train", configuration, "--quiet", "--output", "run"] + options)
    }

    @Test func rowsGetTheClassesThatAnEvaluationSees() throws {
      let bench = try Workbench.ofSamples()
      try train(bench, "kinds.yaml")
      let report = try json(output(bench, ["evaluate", "run", "--json"]))
      let found = try objects(output(bench, ["predict", "run", "test.csv", "--json"]))
      #expect(found.count == 60 && found.map { $0["row"] as? Int } == Array(1...60))
      let right = found.count { $0["prediction"] as? String == $0["target"] as? String }
      #expect(report["accuracy"] as? Double == Double(right) / 60)
      // The loss is the mean of what the right classes' probabilities are short of 1.
      let losses = try found.map { row in
        let classes = try #require(row["classes"] as? [[String: Any]])
        let own = classes.first { $0["class"] as? String == row["target"] as? String }
        return -log(try #require(own?["probability"] as? Double))
      }
      let loss = try #require(report["loss"] as? Double)
      #expect(abs(losses.reduce(0, +) / 60 - loss) < 1e-5)

      // How many at a time, the order of columns and what else is there changes nothing.
      let csv = try output(bench, ["predict", "run", "test.csv", "--csv"])
      #expect(try output(bench, ["predict", "run", "test.csv", "--csv", "--batch", "7"]) == csv)
      #expect(
        csv.hasPrefix(
          "row,prediction,probability,probability_lower,probability_right,"
            + "probability_upper,target\n"))
      let rows = try bench.text("test.csv").split(separator: "\n").map { $0.split(separator: ",") }
      let turned = rows.map { "\($0[2]),\"\($0[3])\",\($0[1])\n" }.joined()
      let others = try output(bench, ["predict", "run", "-", "--csv"], input: turned)
      let withoutTarget = csv.split(separator: "\n").map { line in
        line.split(separator: ",").dropLast().joined(separator: ",") + "\n"
      }.joined()
      #expect(others == withoutTarget)

      let table = try bench.run(["predict", "run", "test.csv", "--top", "2"])
      #expect(table.output.split(separator: "\n").count == 61)
      #expect(table.output.count { $0 == "\n" } == 61)
      #expect(table.errorOutput.contains("\(right) of 60 are right"))
      #expect(table.output.components(separatedBy: "  wrong").count - 1 == 60 - right)
    }

    @Test func rowsGetValuesInTheUnitsOfTheData() throws {
      let bench = try Workbench.ofSamples()
      try train(bench, "values.yaml")
      let found = try objects(output(bench, ["predict", "run", "test.csv", "--json"]))
      let report = try json(output(bench, ["evaluate", "run", "--json"]))
      var squares = 0.0
      for row in found {
        let (value, target) = (row["prediction"] as? Double, row["target"] as? Double)
        let difference = try #require(value) - #require(target)
        #expect(abs(difference) < 0.1)
        squares += difference * difference
      }
      let loss = try #require(report["loss"] as? Double)
      #expect(abs(squares / 60 - loss) < 1e-6 && found.count == 60)
    }

    /// What is no number in decimal counts for none, in the verdict as in the table.
    @Test(arguments: ["nan", "inf", "0x10"])
    func answersThatAreNoNumbersAreLeftOut(answer: String) throws {
      let bench = try Workbench.ofSamples()
      try train(bench, "values.yaml")
      let lines = try bench.text("test.csv").split(separator: "\n")
      let names = lines[0].split(separator: ",")
      let target = try #require(names.firstIndex(of: "value"))
      var fields = lines[1].split(separator: ",").map(String.init)
      fields[target] = answer
      let table = [String(lines[0]), String(lines[2]), fields.joined(separator: ",")]
      let ending = try bench.run(
        ["predict", "run", "-"], input: table.joined(separator: "\n") + "\n")
      try #require(ending.exitCode == 0, "\(ending.errorOutput)")
      #expect(ending.errorOutput.hasSuffix("(1 rows)\n"), "\(ending.errorOutput)")
      #expect(!ending.errorOutput.contains("nan") && !ending.errorOutput.contains("inf"))
    }

    @Test func imagesGetTheClassesThatAnEvaluationSees() throws {
      let bench = try Workbench.ofSamples()
      try bench.write(
        """
        task: classification
        data: {format: idx, train: train-images, train_labels: train-labels, classes: 3}
        model: {architecture: linear}
        batch: {sequences: 10, microbatches: 4}
        schedule: {name: constant}
        optimizer: {learning_rate: 1e-4}
        steps: 2
        """, to: "pictures.yaml")
      try train(bench, "pictures.yaml")
      let arguments = [
        "evaluate", "run", "--data", "test-images", "--labels", "test-labels", "--json",
      ]
      let report = try json(output(bench, arguments))
      let labels = try Data(contentsOf: bench.url("test-labels")).dropFirst(8).map { "\($0)" }
      let found = try objects(output(bench, ["predict", "run", "test-images", "--json"]))
      let right = zip(found, labels).count { $0["prediction"] as? String == $1 }
      #expect(found.count == 50 && report["accuracy"] as? Double == Double(right) / 50)
      try FileManager.default.copyItem(
        at: bench.url("test-images"), to: bench.url("copy"))
      let zipped = try RunningCommand(
        ["gzip", "copy"], in: bench.folder, timeout: .seconds(60)
      ).wait()
      #expect(zipped.exitCode == 0)
      #expect(
        try output(bench, ["predict", "run", "copy.gz", "--csv"])
          == output(bench, ["predict", "run", "test-images", "--csv"]))
    }

    @Test func textsOfLinesTablesAndObjectsAreTheSame() throws {
      let bench = try Workbench()
      let rows = (0..<60).map { $0 % 3 == 0 ? ("sun moon", "sky") : ("cat, dog", "animal") }
      let table = "text,label\n" + rows.map { "\"\($0.0)\",\($0.1)\n" }.joined()
      try bench.write(table, to: "texts.csv")
      try bench.write(
        rows.map { #"{"text": "\#($0.0)", "label": "\#($0.1)"}"# + "\n" }.joined(),
        to: "texts.jsonl")
      try bench.write(rows.map { $0.0 + "\n" }.joined(), to: "texts.txt")
      try bench.write(
        """
        task: classification
        data: {format: texts, train: texts.csv, validation: texts.csv, tokenizer: data/tokenizer.json}
        model: {architecture: bert, layers: 1, heads: 2, width: 16, context: 24, dropout: 0}
        batch: {sequences: 10, microbatches: 1}
        optimizer: {learning_rate: 1e-2}
        schedule: {name: constant}
        steps: 10
        """, to: "texts.yaml")
      try train(bench, "texts.yaml")
      let report = try json(output(bench, ["evaluate", "run", "--json"]))
      let csv = try output(bench, ["predict", "run", "texts.csv", "--csv"])
      #expect(try output(bench, ["predict", "run", "texts.jsonl", "--csv"]) == csv)
      #expect(
        try output(
          bench, ["predict", "run", "--csv", "--format", "csv"], input: table) == csv)
      let fields = csv.split(separator: "\n").dropFirst().map { $0.split(separator: ",") }
      let right = fields.count { $0[1] == $0.last }
      #expect(report["accuracy"] as? Double == Double(right) / 60)
      let lines = try output(bench, ["predict", "run", "texts.txt", "--csv", "--batch", "7"])
      #expect(
        lines.split(separator: "\n").dropFirst().map { $0.split(separator: ",") }
          == fields.map { $0.dropLast() }.map(Array.init))
      // A line in, a line out, also for one of nothing.
      let blank = try output(bench, ["predict", "run", "--json"], input: "cat\n \nsun")
      #expect(try objects(blank).map { $0["prediction"] is NSNull } == [false, true, false])
    }

    @Test func classesHaveTheNamesThatTheConfigurationGivesThem() throws {
      let bench = try Workbench.ofSamples()
      try bench.write("round\nsquare\nflat, thin\n", to: "names.txt")
      let numbers = ["lower": "7", "right": "-3", "upper": "10"]
      for name in ["train.csv", "test.csv"] {
        let text = numbers.reduce(try bench.text(name)) {
          $0.replacing("\n\($1.key),", with: "\n\($1.value),")
        }
        try bench.write(text, to: name)
      }
      for (names, ranks) in [("names.txt", nil), ("[round, square, 'flat, thin']", 2)]
        as [(_, Int?)]
      {
        let trained = try bench.run(
          [
            "train", "kinds.yaml", "--quiet", "--output", "run-\(ranks ?? 1)", "--set",
            "data.classes=\(names)",
          ],
          ranks: ranks)
        #expect(trained.exitCode == 0, "\(trained.errorOutput)")
      }
      let plain = try bench.run(["train", "kinds.yaml", "--quiet", "--output", "plain"])
      #expect(plain.exitCode == 0)
      // Names change nothing else.
      let hash = try bench.summary("plain").parametersSHA256
      #expect(try bench.summary("run-1").parametersSHA256 == hash)
      #expect(try bench.summary("run-2").parametersSHA256 == hash)
      // They are in the checkpoint: the file is not needed any more.
      try FileManager.default.removeItem(at: bench.url("names.txt"))
      let found = try objects(output(bench, ["predict", "run-1", "test.csv", "--json"]))
      #expect(Set(found.map { $0["target"] as? String }) == ["round", "square", "flat, thin"])
      let right = found.count { $0["prediction"] as? String == $0["target"] as? String }

      // Of two ranks as of one.
      let alone = try json(output(bench, ["evaluate", "run-2", "--json"]))
      let together = try bench.run(["evaluate", "run-2", "--json"], ranks: 2)
      let report = try json(together.output)
      #expect(report["accuracy"] as? Double == Double(right) / 60)
      let matrix = try #require(report["confusion"] as? [[Int]])
      #expect(alone["confusion"] as? [[Int]] == matrix)
      var expected = [[Int]](repeating: [0, 0, 0], count: 3)
      let names = ["round", "square", "flat, thin"]
      for row in found {
        let (target, predicted) = (row["target"] as? String, row["prediction"] as? String)
        let places = (names.firstIndex(of: target ?? ""), names.firstIndex(of: predicted ?? ""))
        expected[try #require(places.0)][try #require(places.1)] += 1
      }
      #expect(matrix == expected)
      let classes = try #require(report["classes"] as? [[String: Any]])
      #expect(classes.map { $0["class"] as? String } == names)
      #expect(classes.reduce(0) { $0 + ($1["count"] as? Int ?? 0) } == 60)
      let shown = try output(bench, ["evaluate", "run-1"])
      #expect(shown.contains("right \\ predicted  round  square  flat, thin\n"))

      // Other names are no other run.
      let resumed = try bench.run(
        [
          "train", "kinds.yaml", "--quiet", "--output", "run-2", "--resume", "--set",
          "data.classes=[a, b, c]",
          "--steps", "80",
        ])
      #expect(resumed.exitCode == 0, "\(resumed.errorOutput)")
    }

    @Test func namesThatDoNotFitAreRefused() throws {
      let bench = try Workbench.ofSamples()
      try bench.write("a\n\nb\n", to: "gap.txt")
      for (setting, expected) in [
        ("data.classes=[a, b]", "data.classes has 2 names, but train.csv has 3 classes"),
        ("data.classes=[a, b, c]", "names to classes that have names in train.csv already"),
        ("data.classes=4", "data.classes has 4 classes, but train.csv has 3"),
        ("data.classes=[a, a]", "expected each name once"), ("data.classes=1", "from 2 to"),
        ("data.classes=gap.txt", "gap.txt: expected names that are not empty"),
        ("data.classes=none.txt", "none.txt"),
      ] {
        let ending = try bench.run(["train", "kinds.yaml", "--output", "run", "--set", setting])
        #expect(ending.exitCode == 2 && ending.messages.count == 1)
        #expect(ending.errorOutput.contains(expected), "\(setting): \(ending.errorOutput)")
      }
      let value = try bench.run(
        ["train", "values.yaml", "--output", "run", "--set", "data.classes=[a, b]"])
      #expect(value.errorOutput.contains("data.classes: found [\"a\", \"b\"], expected null"))
    }

    /// What comes through a pipe is answered before its end.
    @Test func rowsAreAnsweredAsTheyCome() throws {
      let bench = try Workbench.ofSamples()
      try train(bench, "values.yaml")
      let rows = (0..<20_000).map { "\($0 % 7),\($0 % 11)\n" }.joined()
      try bench.write("x,y\n" + rows + "1,two\n", to: "long.csv")
      let ending = try bench.run(["predict", "run", "long.csv", "--csv"])
      #expect(ending.exitCode == 2)
      #expect(ending.errorOutput.contains("line 20002: column y: found \"two\""))
      // The header, and all rows before the wrong one.
      #expect(ending.output.count { $0 == "\n" } == 20_001)
    }

    @Test(arguments: [
      ("csv", "text,label\ncat,a\nsun,b\n,a\ncat,a\n", "line 4: column text: is empty"),
      ("csv", "text,label\ncat,a\nsun,b\ncat\n", "line 4: found 1 field"),
      ("csv", "text,label\ncat,a\nsun,b\ncaß,a\n,a\n", "line 4: "),
      ("jsonl", "{\"text\": \"cat\"}\n{\"text\": \"sun\"}\n{\"text\": \"caß\"}\n{\n", "line 3: "),
      ("lines", "cat\nsun\ncaß\nsun\n", "line 3: "),
    ])
    func textsBeforeAWrongOneAreAnswered(
      _ format: String, _ input: String, _ expected: String
    ) throws {
      let bench = try Workbench.ofTexts()
      try train(bench, "texts.yaml")
      let ending = try bench.run(
        ["predict", "run", "--format", format, "--csv"], input: input)
      #expect(ending.exitCode == 2 && ending.messages.count == 1)
      #expect(ending.errorOutput.contains(expected), "\(ending.errorOutput)")
      #expect(ending.output.split(separator: "\n").count == 3, "\(ending.output)")
    }

    @Test func wrongInputIsToldOnce() throws {
      let bench = try Workbench.ofSamples()
      try train(bench, "values.yaml")
      try bench.train(
        "gpt", Workbench.tiny + ["--steps", "1", "--set", "schedule={name: constant}"])
      for (arguments, expected) in [
        ("predict run none.csv", "none.csv"),
        ("predict run train-images", "is an IDX file, but the model reads a table"),
        ("predict run test.csv --top 2", "--top is of classes"),
        ("predict run test.csv --format csv", "--format is of texts"),
        ("predict run test.csv --csv --json", "exclude each other"),
        ("predict gpt text.txt", "lockstep generate takes it"),
      ] {
        let ending = try bench.run(arguments.split(separator: " ").map(String.init))
        #expect(ending.exitCode == 2, "\(arguments)")
        #expect(ending.errorOutput.contains(expected), "\(arguments): \(ending.errorOutput)")
      }
      for (input, expected) in [
        ("x,z\n1,2\n", "has no column y, from which the model predicts; its columns are x, z"),
        ("x,y\n1,2\n1,two\n", "standard input: line 3: column y: found \"two\""),
        ("x,y\n1,\n", "line 2: column y: is empty"), ("x,y\n", "has no samples"),
      ] {
        let ending = try bench.run(["predict", "run"], input: input)
        #expect(ending.exitCode == 2 && ending.messages.count == 1)
        #expect(ending.errorOutput.contains(expected), "\(ending.errorOutput)")
      }
    }
  }
}
