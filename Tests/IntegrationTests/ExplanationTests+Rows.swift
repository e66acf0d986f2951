import Foundation
import LockstepExplanations
import TestSupport
import Testing

/// Of rows and of hidden tokens.
extension CommandLineTests.ExplanationTests {
  // MARK: - Rows

  /// z = 3 x - y + 1, and the sign of z, by linear models.
  private func benchWithRows() throws -> Workbench {
    let bench = try Workbench()
    let rows = (0..<40).map { row in
      let (x, y) = (Double(row % 8) - 3.5, Double(row / 8) - 2)
      return "\(x),\(y),\(3 * x - y + 1),\(3 * x > y ? "up" : "down")\n"
    }
    try bench.write("x,y,z,sign\n" + rows.joined(), to: "rows.csv")
    for (name, task, target) in [
      ("value", "regression", "z"), ("sign", "classification", "sign"),
    ] {
      try bench.write(
        """
        task: \(task)
        data: {format: csv, train: rows.csv, validation: rows.csv, target: \(target), columns: [x, y]}
        model: {architecture: linear}
        batch: {sequences: 10, microbatches: 4}
        optimizer: {name: sgd, learning_rate: 0.1, clip_norm: 0}
        steps: 300
        """, to: "\(name).yaml")
      let ending = try bench.run(["train", "\(name).yaml", "--quiet", "--output", name])
      try #require(ending.exitCode == 0, "\(ending.errorOutput)")
    }
    return bench
  }

  @Test func ofALinearModelAColumnsPartIsItsTerm() throws {
    let bench = try benchWithRows()
    let found: RowExplanation = try explanation(bench, ["value", "--row", "9"])
    // Row 9: x is -2.5, y is -1; the means of both are 0.
    #expect(found.row.columns == ["x", "y"] && found.row.values == [-2.5, -1])
    #expect(found.row.value == -5.5 && found.row.label == nil && found.prediction == nil)
    #expect(abs(try #require(found.value) + 5.5) < 1e-3)
    #expect(abs(found.attribution.values[0] - 3 * -2.5) < 1e-3)
    #expect(abs(found.attribution.values[1] - 1) < 1e-3)
    #expect(abs(found.attribution.sum - (try #require(found.value) - 1)) < 2e-3)

    let sign: RowExplanation = try explanation(bench, ["sign", "--row", "9"])
    let prediction = try #require(sign.prediction)
    #expect(sign.value == nil && prediction.classes[prediction.target] == "down")
    #expect(sign.row.label == prediction.target)
    // Of the other class each column has the opposite part.
    let other: RowExplanation = try explanation(
      bench, ["sign", "--row", "9", "--target", "up"])
    #expect(other.attribution.values[0] < 0 && sign.attribution.values[0] > 0)
  }

  @Test(
    .enabled(
      if: HeadlessBrowser.isAvailable, "no Chromium is installed; launch/test.sh installs one"))
  func thePageOfARowShowsThem() throws {
    let bench = try benchWithRows()
    let value = try page(bench, ["value", "--row", "9"])
    #expect(value.text(ofID: "reading") == "Row 9 of rows.csv.")
    #expect(value.inside(id: "candidates").contains(">-5.5</td>"))
    let columns = value.inside(id: "columns")
    // The largest part first.
    #expect(columns.contains("<tr><td>x</td><td class=\"number\">-2.5</td>"))
    #expect(
      columns.firstRange(of: "<td>x</td>")!.lowerBound
        < columns.firstRange(of: "<td>y</td>")!.lowerBound)
    #expect(columns.contains("\u{2212}7.50</td>") && columns.contains("+1.00</td>"))
    #expect(columns.contains("class=\"against\" style=\"width: 100.0%\""))
    let sign = try page(bench, ["sign", "--row", "9"])
    #expect(sign.text(ofID: "reading") == "Row 9 of rows.csv, sign is down (✓).")
    #expect(sign.count(of: "bar chosen right") == 1)
  }

  // MARK: - Hidden tokens

  @Test func ofAMaskedModelTheHiddenTokenIsExplained() throws {
    let bench = try Workbench()
    try bench.train(
      "run",
      [
        "--set", "task=masked-language-modeling", "--set",
        "model={architecture: bert, layers: 2, heads: 2, width: 16, context: 24, dropout: 0}",
        "--steps", "10",
      ])
    let text = "th[MASK] sun"
    let found: TextExplanation = try explanation(bench, ["run", "--text", text])
    let hidden = found.prediction.position
    #expect(found.prediction.masked && found.words["\(found.tokens[hidden])"] == "[MASK]")
    #expect(found.lens.map(\.name) == ["embedding", "block 0", "block 1"])
    #expect(found.lens.last?.positions[hidden][0] == found.prediction.target)
    // What comes later has a say.
    #expect(found.attribution.values[(hidden + 1)...].contains { $0 != 0 })
    // The likeliest token is what the model fills in.
    let filled = try bench.run(
      ["generate", "run", "--json", "--temperature", "0", "--prompt", text])
    #expect(
      filled.output.contains("th\(found.words["\(found.prediction.target.token)"] ?? "") sun"))

    let ending = try bench.run(["explain", "run", "--text", "the sun"])
    #expect(ending.exitCode == 2 && ending.errorOutput.contains("has no [MASK]"))
    let shown: TextExplanation = try explanation(
      bench, ["run", "--text", "the sun", "--position", "2"])
    #expect(shown.prediction.position == 2)
  }
}
