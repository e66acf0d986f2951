import Explanations
import Foundation
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

    private func explanation<Explanation: Decodable>(
      _ bench: Workbench, _ arguments: [String]
    ) throws -> Explanation {
      let ending = try bench.run(["explain"] + arguments + ["--json"])
      try #require(ending.exitCode == 0, "\(ending.errorOutput)")
      return try JSONDecoder().decode(Explanation.self, from: Data(ending.output.utf8))
    }

    /// Writes a page and opens it.
    private func page(
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

    // MARK: - Bad input

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
        (["vit", "--image", "0", "--position", "1"], "--position goes with --text"),
        (["vit"], "either --text"),
        (["line", "--image", "0"], "a table's rows"),
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

extension Workbench {
  fileprivate func url(_ name: String) -> URL { folder.appendingPathComponent(name) }
}

/// What a browser made of a page.
private struct ShownPage {
  let html: String

  /// As the pages show a token's blanks.
  static func visible(_ text: String) -> String {
    text.replacing(" ", with: "·").replacing("\n", with: "↵").replacing("\t", with: "⇥")
  }

  var title: String { between("<title>", "</title>", in: html) }

  func count(of text: String) -> Int { html.components(separatedBy: text).count - 1 }

  /// The markup inside the element of this id.
  func inside(id: String) -> String {
    guard let start = html.range(of: #" id="\#(id)""#),
      let tagStart = html[..<start.lowerBound].lastIndex(of: "<"),
      let open = html[start.upperBound...].firstIndex(of: ">")
    else { return "" }
    let tag = html[html.index(after: tagStart)...].prefix { $0.isLetter || $0.isNumber }
    // Counts elements of the same kind inside.
    var depth = 1
    var rest = html.index(after: open)
    while let next = html.range(
      of: #"</?\#(tag)[ >]"#, options: .regularExpression, range: rest..<html.endIndex)
    {
      depth += html[next].hasPrefix("</") ? -1 : 1
      if depth == 0 { return String(html[html.index(after: open)..<next.lowerBound]) }
      rest = next.upperBound
    }
    return ""
  }

  func text(ofID id: String) -> String { Self.text(inside(id: id)) }

  /// The text of each `span` of exactly this class inside the element of this id.
  func texts(ofClass name: String, inID id: String) -> [String] {
    inside(id: id).components(separatedBy: #" class="\#(name)""#).dropFirst().map { part in
      Self.text(between(">", "</span>", in: part))
    }
  }

  private func between(_ start: String, _ end: String, in text: String) -> String {
    guard let from = text.range(of: start),
      let to = text.range(of: end, range: from.upperBound..<text.endIndex)
    else { return "" }
    return String(text[from.upperBound..<to.lowerBound])
  }

  private static func text(_ markup: String) -> String {
    markup.replacing(/<[^>]*>/, with: "").replacing("&lt;", with: "<").replacing("&gt;", with: ">")
      .replacing("&nbsp;", with: "\u{A0}").replacing("&amp;", with: "&")
  }
}
