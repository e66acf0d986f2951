import Foundation
import LockstepExplanations
import TestSupport
import Testing

extension CommandLineTests {
  /// `lockstep explain`, and its pages as a reader's browser shows them.
  @Suite struct ExplanationTests {
    private func benchWithText() throws -> Workbench {
      let bench = try Workbench()
      try bench.train("run", ["--set", "model.dropout=0.0", "--steps", "20"])
      return bench
    }

    /// Bright stripes on images of 8 × 8: the class is where.
    private func benchWithImages() throws -> Workbench {
      let bench = try Workbench()
      var generator = SeededGenerator(seed: 4)
      for (name, count) in [("train", 240), ("test", 20)] {
        func header(_ dimensions: [Int]) -> [UInt8] {
          [0, 0, 8, UInt8(dimensions.count)] + dimensions.flatMap { [0, 0, 0, UInt8($0)] }
        }
        let labels = (0..<count).map { _ in UInt8.random(in: 0..<3, using: &generator) }
        let pixels = labels.flatMap { label in
          (0..<64).map {
            $0 / 16 == Int(label) ? UInt8(220) : UInt8.random(in: 0..<90, using: &generator)
          }
        }
        try Data(header([count, 8, 8]) + pixels).write(to: bench.url("\(name)-images"))
        try Data(header([count]) + labels).write(to: bench.url("\(name)-labels"))
      }
      for (name, model) in [
        ("vit", "{architecture: vit, patch: 4, layers: 2, heads: 3, width: 12}"),
        ("linear", "{architecture: linear}"),
      ] {
        try bench.write(
          """
          task: classification
          data:
            format: idx
            train: train-images
            train_labels: train-labels
            validation: test-images
            validation_labels: test-labels
          model: \(model)
          batch: {sequences: 8, microbatches: 2}
          optimizer: {name: adamw, learning_rate: 1e-2}
          steps: 60
          """, to: "\(name).yaml")
        let ending = try bench.run(["train", "\(name).yaml", "--quiet", "--output", name])
        try #require(ending.exitCode == 0, "\(ending.errorOutput)")
      }
      return bench
    }

    func explanation<Explanation: Decodable>(
      _ bench: Workbench, _ arguments: [String]
    ) throws -> Explanation {
      let ending = try bench.run(["explain"] + arguments + ["--json"])
      try #require(ending.exitCode == 0, "\(ending.errorOutput)")
      return try JSONDecoder().decode(Explanation.self, from: Data(ending.output.utf8))
    }

    /// Writes a page and opens it.
    func page(
      _ bench: Workbench, _ arguments: [String], fragment: String? = nil
    ) throws -> ShownPage {
      let ending = try bench.run(["explain"] + arguments + ["--output", "page.html"])
      try #require(ending.exitCode == 0, "\(ending.errorOutput)")
      #expect(ending.output.hasPrefix("page.html: "))
      return ShownPage(
        html: try HeadlessBrowser().document(of: bench.url("page.html"), fragment: fragment))
    }

    // MARK: - Text

    @Test func theNumbersOfATextFitTogether() throws {
      let bench = try benchWithText()
      let found: TextExplanation = try explanation(bench, ["run", "--text", "thre oin."])
      #expect(found.tokens.map { found.words["\($0)"] } == "thre oin.".map(String.init))
      #expect(found.model.step == 20)
      #expect(found.model.parametersSHA256 == (try bench.summary("run").parametersSHA256))
      #expect(found.attention.map(\.name) == ["block 0", "block 1"])
      for row in found.attention.flatMap(\.heads).joined() {
        #expect(abs(row.reduce(0, +) - 1) < 1e-4)
      }
      #expect(found.attention[0].heads[0].map(\.count) == Array(1...9))
      #expect(found.lens.map(\.name) == ["embedding", "block 0", "block 1"])
      // The last layer is the model itself, whose likeliest token is explained.
      #expect(found.prediction.position == 8 && found.prediction.rank == 1)
      #expect(found.lens.last?.positions[8][0] == found.prediction.target)
      #expect(found.lens.last?.positions[8] == Array(found.prediction.candidates.prefix(5)))
      let sum = found.attribution.values.reduce(0, +)
      #expect(abs(sum - found.attribution.sum) < 1e-4)

      // What comes later has no say.
      let earlier: TextExplanation = try explanation(
        bench, ["run", "--text", "thre oin.", "--position", "3", "--target", "h"])
      #expect(earlier.prediction.position == 3)
      #expect(earlier.words["\(earlier.prediction.target.token)"] == "h")
      #expect(earlier.attribution.values[4...].allSatisfy { $0 == 0 })
      #expect(earlier.attribution.values[...3].contains { $0 != 0 })
      #expect(earlier.lens.last?.target == earlier.prediction.target.probability)
    }

    @Test(
      .enabled(
        if: HeadlessBrowser.isAvailable, "no Chromium is installed; launch/test.sh installs one"))
    func thePageOfATextShowsThem() throws {
      let bench = try benchWithText()
      let options = ["run", "--text", "a <b> oin", "--position", "6"]
      let found: TextExplanation = try explanation(bench, options)
      let shown = try page(bench, options, fragment: "block-1-head-1")
      #expect(shown.title == "Inside run")
      #expect(shown.text(ofID: "reading") == "\u{201C}a <b> oin\u{201D}")
      #expect(shown.text(ofID: "facts").contains(found.model.parametersSHA256 ?? "none"))
      // Maps of two layers with two heads; the address chooses the large one.
      #expect(shown.count(of: #"<a class="map"#) == 4)
      #expect(shown.count(of: ##"<a class="map chosen" href="#block-1-head-1""##) == 1)
      #expect(shown.text(ofID: "map-name") == "block 1, head 1")
      // Every token with its number, blanks made visible.
      let visible = ["a", "·", "<", "b", ">", "·", "o", "i", "n"]
      #expect(shown.texts(ofClass: "word", inID: "attribution") == visible)
      let numbers = shown.texts(ofClass: "value", inID: "attribution")
      #expect(numbers.count == 9)
      for (number, value) in zip(numbers, found.attribution.values) {
        #expect(abs((Double(number.replacing("\u{2212}", with: "-")) ?? .nan) - value) < 0.006)
      }
      #expect(shown.texts(ofClass: "word", inID: "strip") == visible)
      // The lens: one word for each layer and position, below the tokens themselves.
      let words = shown.texts(ofClass: "word", inID: "lens")
      #expect(words.count == 9 * 4)
      let last = try #require(found.lens.last)
      #expect(
        Array(words.suffix(9))
          == last.positions.map { ShownPage.visible(found.words["\($0[0].token)"] ?? "") })
      #expect(shown.texts(ofClass: "bar", inID: "candidates").count == 9)
      #expect(shown.texts(ofClass: "bar chosen", inID: "candidates").count == 1)
      // The strip says where the explained position looks in the chosen map.
      let row = found.attention[1].heads[1][6]
      let strongest = row.indices.max { row[$0] < row[$1] } ?? 0
      #expect(shown.text(ofID: "looks").contains("o at position 6 looks at \(visible[strongest])"))
    }

    // MARK: - Images

    @Test func theNumbersOfAnImageFitTogether() throws {
      let bench = try benchWithImages()
      let found: ImageExplanation = try explanation(bench, ["vit", "--image", "5"])
      let label = try Data(contentsOf: bench.url("test-labels"))[8 + 5]
      #expect(found.image.label == Int(label) && found.image.index == 5)
      #expect(found.image.pixels[2 * found.image.label] == [Int](repeating: 220, count: 8))
      #expect(found.prediction.classes == ["0", "1", "2"])
      #expect(abs(found.prediction.probabilities.reduce(0, +) - 1) < 1e-4)
      #expect(
        found.prediction.probabilities[found.prediction.target]
          == found.prediction.probabilities.max())
      #expect(found.lens.map(\.name) == ["embedding", "block 0", "block 1"])
      #expect(found.lens.last?.probabilities == found.prediction.probabilities)
      let attention = try #require(found.attention)
      #expect(attention.rows == 2 && attention.columns == 2)
      #expect(attention.layers.map(\.headCount) == [3, 3])
      #expect(abs(attention.rollout.reduce(0, +) - 1) < 1e-4)

      // A linear model's score is the sum, but for its bias, which is the same for every image.
      let scores: [Double] = try [0, 1].map { index in
        let linear: ImageExplanation = try explanation(
          bench, ["linear", "--image", "\(index)", "--target", "1"])
        #expect(linear.lens.isEmpty && linear.attention == nil)
        return linear.prediction.logit - linear.attribution.sum
      }
      #expect(abs(scores[0] - scores[1]) < 1e-3)

      let others = ["--data", "train-images", "--labels", "train-labels"]
      let other: ImageExplanation = try explanation(bench, ["vit", "--image", "200"] + others)
      #expect(other.image.path == "train-images")
    }

    @Test(
      .enabled(
        if: HeadlessBrowser.isAvailable, "no Chromium is installed; launch/test.sh installs one"))
    func thePageOfAnImageShowsThem() throws {
      let bench = try benchWithImages()
      let shown = try page(bench, ["vit", "--image", "3"], fragment: "block-0-head-2")
      #expect(shown.text(ofID: "reading").hasPrefix("Image 3 of test-images, of class "))
      #expect(shown.count(of: #"<a class="map"#) == 6)
      #expect(shown.text(ofID: "map-name") == "block 0, head 2")
      #expect(shown.text(ofID: "looks").hasPrefix("block 0, head 2: on average a patch looks"))
      #expect(shown.inside(id: "lens").components(separatedBy: "<td").count == 1 + 3 * 3)
      #expect(shown.inside(id: "candidates").components(separatedBy: "%</span>").count == 4)
      // Image and map, both painted.
      #expect(shown.inside(id: "attribution").components(separatedBy: #"width="8""#).count == 3)
      #expect(shown.inside(id: "rollout").components(separatedBy: #"width="2""#).count == 2)

      let linear = try page(bench, ["linear", "--image", "3"])
      #expect(linear.count(of: "<canvas") == 4)
      #expect(!linear.html.contains("What each layer would say</h2>"))
      #expect(!linear.html.contains("Where attention looks</h2>"))
    }

    /// As where a gradient is too large for a Float, and the logits are not.
    @Test(
      .enabled(
        if: HeadlessBrowser.isAvailable, "no Chromium is installed; launch/test.sh installs one"))
    func attributionsThatAreNotFiniteAreShownAsSuch() throws {
      /// Writes a page, changes its numbers, and opens it.
      func shown(
        _ bench: Workbench, _ arguments: [String], _ pattern: String, _ values: String
      ) throws -> ShownPage {
        let ending = try bench.run(["explain"] + arguments + ["--output", "page.html"])
        try #require(ending.exitCode == 0, "\(ending.errorOutput)")
        let html = try bench.text("page.html")
        let changed = html.replacingOccurrences(
          of: #""attribution":\{"sum":[^,]*,"values":"# + pattern,
          with: #""attribution":{"sum":"NaN","values":"# + values, options: .regularExpression)
        try #require(changed != html)
        try bench.write(changed, to: "changed.html")
        return ShownPage(html: try HeadlessBrowser().document(of: bench.url("changed.html")))
      }
      let text = try shown(
        benchWithText(), ["run", "--text", "oin."], #"\[[^\]]*\]"#,
        #"["Infinity",0.5,"NaN","-Infinity"]"#)
      #expect(
        text.texts(ofClass: "value", inID: "attribution")
          == ["+\u{221E}", "+0.50", "not a number", "\u{2212}\u{221E}"])
      #expect(text.text(ofID: "completeness").hasPrefix("The numbers add up to not a number; "))
      // What comes after it is there, too.
      #expect(text.text(ofID: "looks").contains("looks at"))

      let row = #"["NaN","Infinity",0,0,0,0,0,-2]"#
      let image = try shown(
        benchWithImages(), ["vit", "--image", "3"], #"\[\[.*?\]\]"#,
        "[" + [String](repeating: row, count: 8).joined(separator: ",") + "]")
      let completeness = image.text(ofID: "completeness")
      #expect(completeness.contains("the largest of a pixel is \u{2212}2.00. "), "\(completeness)")
      #expect(completeness.contains("Those of 16 pixels are not finite."))
      #expect(image.text(ofID: "looks").contains("looks most"))
    }

    // MARK: - Translation

    /// A model of two blocks that has learned to write é for e, a little.
    private func benchWithPairs() throws -> Workbench {
      let bench = try Workbench()
      let source = Workbench.sentences(count: 200)
      try bench.write(source, to: "train.en")
      try bench.write(source.replacing("e", with: "é"), to: "train.fr")
      let files = ["train_source", "train_target", "validation_source", "validation_target"].map {
        "  \($0): pairs/\($0.replacing("_", with: ".")).bin"
      }
      try bench.write(
        """
        task: translation
        data:
          format: pairs
          tokenizer: pairs/tokenizer.json
        \(files.joined(separator: "\n"))
        model:
          {architecture: transformer, encoder_layers: 1, decoder_layers: 2, heads: 2, width: 16, context: 60}
        batch: {sequences: 4, microbatches: 2}
        steps: 8
        """, to: "pairs.yaml")
      for command in [
        "prepare train.en train.fr --pairs --output pairs --vocabulary-size 300",
        "train pairs.yaml --quiet --output pairs-run",
      ] {
        let ending = try bench.run(command.split(separator: " ").map(String.init))
        try #require(ending.exitCode == 0, "\(ending.errorOutput)")
      }
      return bench
    }

    @Test(
      .enabled(
        if: HeadlessBrowser.isAvailable, "no Chromium is installed; launch/test.sh installs one"))
    func ofATranslationBothTextsAreShown() throws {
      let bench = try benchWithPairs()
      let options = ["pairs-run", "--text", "tin", "--translation", "noé", "--position", "1"]
      let found: TextExplanation = try explanation(bench, options)
      let source = try #require(found.source)
      #expect(found.text == "noé" && source.text == "tin")
      #expect(source.tokens.last == found.tokens.first)
      #expect(
        found.attention.map(\.name) == [
          "encoder block 0", "decoder block 0", "decoder block 0 cross-attention",
          "decoder block 1", "decoder block 1 cross-attention",
        ])
      #expect(found.attention.map(\.queries) == [.source, .target, .target, .target, .target])
      #expect(found.attention.map(\.keys) == [.source, .target, .source, .target, .source])
      let cross = found.attention[2].heads[1]
      #expect(cross.count == found.tokens.count && cross[0].count == source.tokens.count)
      #expect(found.lens.map(\.name) == ["embedding", "decoder block 0", "decoder block 1"])
      #expect(found.attribution.values[2...].allSatisfy { $0 == 0 })
      #expect(source.attribution.count == source.tokens.count)
      #expect(source.attribution.contains { $0 != 0 })

      let shown = try page(
        bench, options, fragment: "decoder-block-1-cross-attention-head-0")
      #expect(shown.text(ofID: "reading") == "\u{201C}tin\u{201D} → \u{201C}noé\u{201D}")
      #expect(shown.count(of: #"<a class="map"#) == 10)
      #expect(shown.text(ofID: "map-name") == "decoder block 1 cross-attention, head 0")
      let words = { (tokens: [Int32]) in
        tokens.map { ShownPage.visible(found.words["\($0)"] ?? "") }
      }
      #expect(shown.texts(ofClass: "word", inID: "strip") == words(found.tokens))
      #expect(shown.texts(ofClass: "word", inID: "strip-keys") == words(source.tokens))
      #expect(shown.texts(ofClass: "word", inID: "attribution-source") == words(source.tokens))

      // Without a translation the model's own, which is what it says at each place.
      let own: TextExplanation = try explanation(bench, ["pairs-run", "--text", "tin"])
      let said = (own.lens.last?.positions ?? []).map { $0[0].token }
      #expect(own.prediction.position == 0)
      #expect(Array(own.tokens.dropFirst()) == Array(said.prefix(own.tokens.count - 1)))
    }

    // MARK: - Bad input

    @Test func aTranslationOfALanguageModelIsRefused() throws {
      let bench = try benchWithText()
      let ending = try bench.run(["explain", "run", "--text", "a", "--translation", "b"])
      #expect(ending.exitCode == 2)
      #expect(ending.errorOutput.contains("holds no translation model"))
    }

    @Test func anEmptyTextIsToldAndNothingWritten() throws {
      let bench = try benchWithText()
      let ending = try bench.run(["explain", "run", "--text", ""])
      #expect(ending.exitCode == 2)
      #expect(ending.messages == ["lockstep: --text is empty: give at least one token"])
      #expect(!FileManager.default.fileExists(atPath: bench.path("explanation.html")))
    }

    @Test func wrongImagesAreToldAndChangeNothing() throws {
      let bench = try benchWithImages()
      try bench.write("a,b\n1,2\n3,5\n4,6\n5,9\n", to: "line.csv")
      try bench.write(
        """
        task: regression
        data: {format: csv, train: line.csv, validation: line.csv, target: b, columns: [a]}
        model: {architecture: linear}
        batch: {sequences: 2, microbatches: 1}
        steps: 2
        """, to: "line.yaml")
      let trained = try bench.run(["train", "line.yaml", "--quiet", "--output", "line"])
      try #require(trained.exitCode == 0, "\(trained.errorOutput)")
      let before = try bench.contents(of: ".")
      for (arguments, expected) in [
        (["vit", "--image", "20"], "--image 20: test-images has images 0 to 19"),
        (["vit", "--image", "0", "--target", "3"], "expected one of 0, 1, 2"),
        (["vit", "--text", "a"], "give it --image"),
        (["vit", "--image", "0", "--data", "train-images"], "--labels"),
        (["vit", "--image", "0", "--position", "1"], "go with --text"),
        (["vit"], "one of --text"),
        (["line", "--image", "0"], "give it --row"),
        (["vit", "--row", "0"], "give it --image"),
        (["line", "--row", "4"], "--row 4: line.csv has rows 0 to 3"),
        (["line", "--row", "0", "--target", "b"], "predicts values, no classes"),
      ] {
        let ending = try bench.run(["explain"] + arguments)
        #expect(ending.exitCode == 2, "\(arguments): \(ending.errorOutput)")
        #expect(ending.messages.count == 1, "\(ending.errorOutput)")
        #expect(ending.errorOutput.contains(expected), "\(ending.errorOutput)")
      }
      #expect(try bench.contents(of: ".") == before)
    }
  }
}
