import Foundation
import LockstepSweeps
import TestSupport
import Testing

/// The page as a reader sees it.
@Suite(
  .enabled(
    if: HeadlessBrowser.isAvailable, "no Chromium is installed; launch/test.sh installs one"))
struct SweepPageTests {
  private func makeBench() throws -> SweepBench {
    let bench = try SweepBench()
    try bench.sweep(
      """
      metric: r2
      parameters:
        optimizer: {values: [{name: adamw}, {name: sgd, clip_norm: 0}]}
        optimizer.learning_rate: {values: [1e-3, 1e-1, 1e30]}
      """, to: "out", overrides: ["checkpoint.every=0"])
    return bench
  }

  private func count(_ text: String, in document: String) -> Int {
    document.components(separatedBy: text).count - 1
  }

  @Test func itShowsAllTrialsInEveryWay() throws {
    let bench = try makeBench()
    let report = try bench.json("out")
    #expect(report.trials.count { $0.state == "diverged" } == 2)
    let page = bench.folder.appendingPathComponent("out/sweep.html")
    let document = try HeadlessBrowser().document(of: page)
    // A line and a row for each trial.
    for trial in 1...6 { #expect(count("data-trial=\"\(trial)\"", in: document) == 2) }
    #expect(count("class=\"trial best\"", in: document) == 1)
    #expect(count("class=\"trial lost\"", in: document) == 2)
    #expect(document.contains(">optimizer.learning_rate</text>"))
    #expect(document.contains(">…sgd, clip_norm: 0}</text>"))
    #expect(document.contains("<dt>trials</dt><dd>2 diverged, 4 finished</dd>"))
    #expect(count("<tr", in: document) == 7)
    // The rows begin with the best.
    let best = try #require(report.ranking.first)
    let rows = try #require(document.components(separatedBy: "<tbody>").last)
    #expect(
      rows.firstRange(of: "data-trial=\"\(best)\"")?.lowerBound
        == rows.firstRange(of: "data-trial=")?.lowerBound)
    // Nothing comes from elsewhere.
    #expect(!document.contains("http://") && !document.contains("https://"))
  }

  @Test func itsChartsHaveTheTrialsLosses() throws {
    let bench = try makeBench()
    let best = try #require(try bench.json("out").ranking.first)
    let document = try document(
      bench,
      after: """
        const [training, heldOut] = charts;
        const best = training.series.find(series => series.trial === \(best));
        document.body.append(JSON.stringify({
          titles: charts.map(chart => chart.options.title), trials: training.series.length, width: best.width,
          heldOut: heldOut.series.find(series => series.trial === \(best)).x, x: best.x, mean: best.mean, isDrawn: training.area !== null }));
        """)
    let history = try LossHistory(
      path: bench.path("out/trials/\(String(format: "%04d", best))/metrics.jsonl"))
    let steps = history.steps.map { "\($0.step)" }.joined(separator: ",")
    #expect(document.contains(#""titles":["training loss""#))
    #expect(document.contains(#""trials":6,"width":3,"heldOut":[12,24,36],"x":[\#(steps)]"#))
    #expect(document.contains(#""isDrawn":true"#))
    let mean = try #require(document.components(separatedBy: #""mean":["#).last)
    let losses = mean.prefix { $0 != "]" }.split(separator: ",").compactMap { Double($0) }
    #expect(losses == history.steps.map(\.loss))
  }

  /// A copy of a page on which somebody does something.
  private func document(_ bench: SweepBench, after action: String) throws -> String {
    let page = try bench.text("out/sweep.html")
    let end = try #require(page.range(of: "</body>"))
    try bench.write(
      page.replacingCharacters(in: end, with: "<script>\(action)</script></body>"),
      to: "used.html")
    return try HeadlessBrowser().document(of: bench.folder.appendingPathComponent("used.html"))
  }

  /// More losses than a function takes arguments.
  @Test func theScaleFollowsFromAnyNumberOfLosses() throws {
    let document = try document(
      makeBench(),
      after: """
        const many = [{ mean: Array(400000).fill(1).concat([20]) }];
        document.title = [isWide(many, 100), isWide(many, 10), limitOf(Array(400000).fill(many[0]))].join();
        """)
    #expect(document.contains("<title>true,false,2</title>"))
  }

  @Test func pointingAtATrialShowsItEverywhere() throws {
    let bench = try makeBench()
    let document = try document(
      bench,
      after: """
        document.querySelector('tr[data-trial="2"]')
          .dispatchEvent(new PointerEvent("pointerover", { bubbles: true }));
        // The browser's own pointer, wherever it is, may come next.
        document.title = document.querySelectorAll(".hot").length + " hot, " + charts[0].hot;
        document.body.append(told.textContent);
        """)
    #expect(document.contains("<title>2 hot, trial 2</title>"))
    #expect(document.contains("trial 2, finished · optimizer "))
    #expect(document.contains("optimizer.learning_rate 0.1 · r2 "))
  }

  @Test func brushingAnAxisKeepsTheTrialsThatCrossItThere() throws {
    let bench = try makeBench()
    // The upper half of the learning rate's axis: 1e30 alone, in two trials.
    let drag = """
      const area = document.querySelector('.hit[data-axis="1"]');
      const box = area.getBoundingClientRect();
      const send = (type, target, share) => target.dispatchEvent(new PointerEvent(type, {
        bubbles: true, clientX: box.x + 3, clientY: box.y + share * box.height }));
      send("pointerdown", area, 0.5);
      send("pointermove", document, -0.1);
      send("pointerup", document, -0.1);
      """
    let tell = "document.title = [...charts[0].dimmed].length + ' dimmed';"
    let brushed = try document(bench, after: drag + tell)
    #expect(count(" dim\"", in: brushed) + count("class=\"dim\"", in: brushed) == 4 * 2)
    #expect(brushed.contains("<title>4 dimmed</title>"))
    // A click lets go.
    let released = try document(
      bench,
      after: drag + "send('pointerdown', area, 0.5); send('pointerup', document, 0.5);")
    #expect(count(" dim\"", in: released) + count("class=\"dim\"", in: released) == 0)
  }

  @Test func aRangeTestShowsItsCurve() throws {
    let bench = try SweepBench()
    try bench.sweep("method: range-test\nlow: 1e-4\nhigh: 1e3\nsteps: 80\n", to: "out")
    let document = try document(
      bench,
      after: "document.title = charts[0].series.map(series => series.name) + '; '"
        + " + charts[0].options.marks.map(mark => mark.label.split(':')[0])")
    #expect(
      document.contains("<title>each step,smoothed; suggestion,steepest,lowest</title>"))
    #expect(document.contains("<dt>lowest</dt>"))
    #expect(!document.contains("<table"))
  }
}
