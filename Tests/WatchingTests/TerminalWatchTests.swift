import Foundation
import LockstepReporting
import LockstepWatching
import TestSupport
import Testing

/// What `lockstep watch --terminal` draws is what the files say, in the size of the terminal.
@Suite struct TerminalWatchTests {
  private func screen(
    _ files: RunFiles, columns: Int = 100, rows: Int = 40, isColored: Bool = false
  ) -> [String] {
    var watch = TerminalWatch(RunSearch(paths: [files.path]))
    watch.look()
    return watch.screen(columns: columns, rows: rows, isColored: isColored)
  }

  private func files() throws -> RunFiles {
    let files = try RunFiles()
    for run in ["a", "b"] {
      try files.begin(run, steps: 200)
      for step in 1...60 { try files.append(RunFiles.step(step, loss: 8 / Double(step)), to: run) }
      for step in [30, 60] {
        try files.append(RunFiles.evaluation(step, loss: 2, accuracy: 0.5), to: run)
      }
    }
    return files
  }

  @Test func eachRunHasALineAndItsCurves() throws {
    let lines = screen(try files())
    #expect(lines.prefix(2).map { $0.prefix(1) }.sorted() == ["a", "b"])
    for line in lines.prefix(2) {
      #expect(line.contains("step 60/200   loss 0.1333   validation 2.0000   4,000/s"))
    }
    let titles = lines.filter { ["training loss", "validation loss"].contains($0) }
    #expect(titles == ["training loss", "validation loss"])
    #expect(lines.contains { $0.hasPrefix("    8 │") })
  }

  @Test(arguments: [(40, 10), (100, 24), (200, 60), (12, 3)])
  func theScreenIsNoLargerThanTheTerminal(columns: Int, rows: Int) throws {
    let files = try files()
    try files.append(
      #"{"step":60,"samples":[{"prompt":"\#(String(repeating: "x", count: 400))","text":"y"}]}"#
        + "\n",
      to: "a")
    let lines = screen(files, columns: columns, rows: rows)
    #expect(lines.count < rows && !lines.isEmpty)
    #expect(lines.allSatisfy { $0.count <= max(columns, 8) })
  }

  /// Control characters of a sample or a name must not reach the terminal.
  @Test func whatAModelWroteIsTextOnly() throws {
    let files = try files()
    try files.append(
      #"{"step":60,"samples":[{"prompt":"p","text":"one\ntwo\u001b[31m"}]}"# + "\n", to: "b")
    let lines = screen(files)
    #expect(lines.last?.hasPrefix("sample  step 60   p → one ↵ two") == true)
    #expect(lines.allSatisfy { !$0.contains("\u{1B}") })
  }

  @Test func runsOverEachOtherHaveColours() throws {
    let text = screen(try files(), isColored: true).joined(separator: "\n")
    #expect(text.contains("\u{1B}[31m") && text.contains("\u{1B}[32m"))
  }

  @Test func withoutRunsItSaysSo() throws {
    var watch = TerminalWatch(RunSearch(paths: []))
    #expect(watch.screen(columns: 80, rows: 24, isColored: false) == ["no runs yet; Ctrl-C ends"])
    watch.look()
  }

  /// Characters of East Asia and pictures take two columns: a line that is longer would be two.
  @Test(arguments: [1, 2, 20, 61]) func noLineIsWiderThanTheTerminal(columns: Int) throws {
    let files = try RunFiles()
    try files.begin("漢字の学習", steps: 200)
    for step in 1...60 {
      try files.append(RunFiles.step(step, loss: 8 / Double(step)), to: "漢字の学習")
    }
    try files.append(
      #"{"step":60,"samples":[{"prompt":"日本語の文章を書く","text":"学習した模型が書いた 🙂🙂 한국어 e\u0301"}]}"#
        + "\n", to: "漢字の学習")
    let lines = screen(files, columns: columns, rows: 24)
    #expect(lines[0].columns <= columns && lines[0].columns >= columns - 1)
    let sample = try #require(lines.last)
    #expect(sample.columns <= columns && sample.columns >= columns - 1)
  }
}
