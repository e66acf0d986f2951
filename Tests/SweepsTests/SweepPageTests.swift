import Foundation
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
    // A line, two curves and a row for each trial.
    for trial in 1...6 { #expect(count("data-trial=\"\(trial)\"", in: document) == 4) }
    #expect(count("class=\"trial best\"", in: document) == 3)
    #expect(count("class=\"trial lost\"", in: document) == 6)
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

  /// A copy of a page on which somebody does something.
  private func document(_ bench: SweepBench, after action: String) throws -> String {
    let page = try bench.text("out/sweep.html")
    let end = try #require(page.range(of: "</body>"))
    try bench.write(
      page.replacingCharacters(in: end, with: "<script>\(action)</script></body>"),
      to: "used.html")
    return try HeadlessBrowser().document(of: bench.folder.appendingPathComponent("used.html"))
  }

  @Test func pointingAtATrialShowsItEverywhere() throws {
    let bench = try makeBench()
    let document = try document(
      bench,
      after: """
        document.querySelector('tr[data-trial="2"]')
          .dispatchEvent(new PointerEvent("pointerover", { bubbles: true }));
        // The browser's own pointer, wherever it is, may come next.
        document.title = document.querySelectorAll(".hot").length + " hot";
        document.body.append(told.textContent);
        """)
    #expect(document.contains("<title>4 hot</title>"))
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
    let brushed = try document(bench, after: drag)
    #expect(count(" dim\"", in: brushed) + count("class=\"dim\"", in: brushed) == 4 * 4)
    // A click lets go.
    let released = try document(
      bench,
      after: drag + "send('pointerdown', area, 0.5); send('pointerup', document, 0.5);")
    #expect(count(" dim\"", in: released) + count("class=\"dim\"", in: released) == 0)
  }

  @Test func aRangeTestShowsItsCurve() throws {
    let bench = try SweepBench()
    try bench.sweep("method: range-test\nlow: 1e-4\nhigh: 1e3\nsteps: 80\n", to: "out")
    let page = bench.folder.appendingPathComponent("out/sweep.html")
    let document = try HeadlessBrowser(appearance: .dark).document(of: page)
    #expect(document.contains("class=\"smoothed\"") && document.contains("class=\"raw\""))
    #expect(document.contains(">suggestion: ") && document.contains("<dt>lowest</dt>"))
    #expect(!document.contains("<table"))
  }
}
