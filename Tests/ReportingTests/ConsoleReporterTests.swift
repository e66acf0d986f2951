import Foundation
import LockstepReporting
import Testing

@Suite struct ConsoleReporterTests {
  @Test func plainOutputIsAFewWholeLines() {
    let output = RecordedOutput()
    let reporter = ConsoleReporter(output: output)
    reporter.receive(.started(Sample.overview))
    for step in 251...1000 { reporter.receive(.step(Sample.step(step))) }
    reporter.receive(.finished(Sample.summary))
    #expect(!output.text.contains { $0 == "\r" || $0 == "\u{1B}" })
    let shown = output.screen.filter { $0.hasPrefix("step") }.compactMap(Self.step)
    #expect(shown.first == 251)
    #expect(shown.last == 1000)
    // At 0.25 s a step, between 62 s and 250 s of training: 2 to 5 s between lines.
    let gaps = zip(shown, shown.dropFirst()).map { $1 - $0 }
    #expect(gaps.dropLast().allSatisfy { (8...20).contains($0) })
  }

  @Test func longRunsStillShowALineEveryMinute() {
    let output = RecordedOutput()
    let reporter = ConsoleReporter(output: output)
    for step in 1...1000 {
      reporter.receive(.step(Sample.step(step, seconds: 1e6 + 10 * Double(step))))
    }
    let shown = output.screen.filter { $0.hasPrefix("step") }.compactMap(Self.step)
    #expect(zip(shown, shown.dropFirst()).allSatisfy { $1 - $0 <= 6 })
  }

  @Test func overviewTellsEverything() {
    let output = RecordedOutput()
    ConsoleReporter(output: output).receive(.started(Sample.overview))
    let text = output.text
    for part in [
      "2 ranks over MPI on 1 host, 1 thread each", "gpt, 4 layers", "4 micro-batches", "4,256,768",
      "runs/kjv", "after step 250", "checkpoints/step-00000500/m: truncated",
    ] {
      #expect(text.contains(part))
    }
  }

  @Test(arguments: [200, 110, 80, 60, 40, 20, 2]) func liveLineNeverWraps(columns: Int) {
    let output = RecordedOutput(columns: columns)
    let reporter = ConsoleReporter(output: output)
    for step in [1, 10, 100, 1000] {
      for loss in [3.25, 12_345.0, .infinity, .nan] {
        reporter.receive(.step(Sample.step(step, loss: loss)))
      }
    }
    #expect(!output.text.contains("\n"))
    #expect(output.writes.allSatisfy { $0.hasPrefix("\r") && $0.hasSuffix("\u{1B}[K") })
    for write in output.writes {
      #expect(write.dropFirst().replacing("\u{1B}[K", with: "").count < columns)
      if columns >= 40 { #expect(write.contains("loss")) }
    }
  }

  @Test func liveLineIsDrawnTenTimesASecondAtMost() {
    let output = RecordedOutput(columns: 100)
    let reporter = ConsoleReporter(output: output)
    for step in 1..<1000 {
      reporter.receive(.step(Sample.step(step, seconds: Double(step) / 1000)))
    }
    #expect((9...11).contains(output.writes.count))
  }

  @Test func permanentLinesReplaceTheLiveOne() {
    let output = RecordedOutput(columns: 120)
    let reporter = ConsoleReporter(output: output)
    reporter.receive(.step(Sample.step(99)))
    reporter.receive(.step(Sample.step(100)))
    reporter.receive(.evaluation(Sample.evaluation(100)))
    reporter.receive(.step(Sample.step(101)))
    reporter.receive(
      .checkpoint(CheckpointRecord(step: 100, path: "checkpoints/step-00000100", seconds: 0.213)))
    reporter.receive(.step(Sample.step(102)))
    let screen = output.screen
    #expect(screen.count == 4)
    #expect(Self.step(screen[0]) == 100)
    #expect(screen[1].hasPrefix("evaluation") && screen[1].contains("1.7500 bits/byte"))
    #expect(screen[2].hasPrefix("checkpoint") && screen[2].contains("in 0.21 s"))
    #expect(Self.step(screen[3]) == 102)
  }

  @Test func stepBeforeAnEvaluationIsShownOnce() {
    let output = RecordedOutput()
    let reporter = ConsoleReporter(output: output)
    reporter.receive(.step(Sample.step(1)))
    reporter.receive(.evaluation(Sample.evaluation(1)))
    reporter.receive(.step(Sample.step(2)))
    reporter.receive(.evaluation(Sample.evaluation(2)))
    reporter.receive(.finished(Sample.summary))
    let labels = output.screen.map { $0.prefix(while: \.isLetter) }
    #expect(labels.prefix(4) == ["step", "evaluation", "step", "evaluation"])
    #expect(labels.filter { $0 == "step" }.count == 2)
  }

  @Test func quietShowsOnlyWhatNeedsAttention() {
    let output = RecordedOutput(columns: 100)
    let reporter = ConsoleReporter(output: output, verbosity: .quiet)
    reporter.receive(.started(Sample.overview))
    reporter.receive(.step(Sample.step(1000)))
    reporter.receive(.evaluation(Sample.evaluation(1000)))
    reporter.receive(.notice("the disk is nearly full"))
    reporter.receive(.stopped(signal: "SIGTERM", step: 1000))
    reporter.receive(.finished(Sample.summary))
    let lines = output.screen.filter { !$0.isEmpty }
    #expect(lines.count == 2)
    #expect(lines[0].hasPrefix("skipped"))
    #expect(lines[1].hasSuffix("the disk is nearly full"))
  }

  @Test func endSaysWhatCameOfItAndWhereItIs() {
    let output = RecordedOutput()
    let reporter = ConsoleReporter(output: output)
    reporter.receive(.started(Sample.overview))
    reporter.receive(.finished(Sample.summary))
    for part in ["4,096,000 tokens", "4m 10s", Sample.summary.parametersSHA256, "runs/kjv\n"] {
      #expect(output.text.contains(part))
    }
    let peak = output.screen.filter { $0.hasPrefix("peak") }
    #expect(
      peak == ["peak         83.2 % of what the processors can do, 205 GFLOP/s"])
  }

  @Test func aShortRunHasNoPeak() {
    let output = RecordedOutput()
    var summary = Sample.summary
    summary.peakShare = nil
    ConsoleReporter(output: output).receive(.finished(summary))
    #expect(!output.text.contains("peak"))
  }

  @Test func stopNamesSignalAndStep() {
    let output = RecordedOutput()
    let reporter = ConsoleReporter(output: output)
    reporter.receive(.started(Sample.overview))
    reporter.receive(.step(Sample.step(300)))
    reporter.receive(.stopped(signal: "SIGTERM", step: 301))
    #expect(output.text.contains("301/1,000   by SIGTERM"))
    #expect(output.text.contains("everything is saved, --resume goes on from here"))
  }

  @Test func aRunWithoutADirectorySaysAtItsStopThatNothingIsSaved() {
    let output = RecordedOutput()
    let reporter = ConsoleReporter(output: output)
    var overview = Sample.overview
    overview.runDirectory = nil
    reporter.receive(.started(overview))
    reporter.receive(.stopped(signal: "SIGINT", step: 301))
    #expect(output.text.contains("by SIGINT; nothing is saved"))
    #expect(!output.text.contains("--resume"))
  }

  @Test func coloursChangeNothingButColours() {
    let (plain, colored) = (RecordedOutput(), RecordedOutput(isColored: true))
    for output in [plain, colored] {
      let reporter = ConsoleReporter(output: output)
      reporter.receive(.started(Sample.overview))
      reporter.receive(.step(Sample.step(251)))
    }
    #expect(colored.text != plain.text)
    #expect(colored.text.replacing(/\u{1B}\[\d+m/, with: "") == plain.text)
  }

  /// The step that a step line tells of.
  private static func step(_ line: String) -> Int? {
    line.firstMatch(of: /^step +([\d,]+)/).flatMap { Int($0.1.replacing(",", with: "")) }
  }

  /// The curve is drawn below the live line, and goes where a line is printed for good.
  @Test func theCurveIsBelowTheLiveLine() throws {
    let output = RecordedOutput(columns: 60)
    let reporter = ConsoleReporter(output: output, drawsCurve: true)
    for step in 1...5 { reporter.receive(.step(Sample.step(step, loss: 5 - Double(step) / 2))) }
    let drawn = try #require(output.writes.last)
    let lines = drawn.split(separator: "\n")
    #expect(lines.count == 9 && lines[1].hasPrefix("loss"))
    #expect(lines[2].hasPrefix("4.5 │") && lines[7].hasPrefix("2.5 │"))
    #expect(drawn.hasSuffix("\u{1B}[8A"))
    reporter.receive(.notice("here"))
    #expect(output.writes.last?.hasPrefix("\r\u{1B}[Jnotice") == true)
  }
}
