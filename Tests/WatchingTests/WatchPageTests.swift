import Foundation
import LockstepWatching
import TestSupport
import Testing

/// The live page as a reader sees and uses it.
@Suite(
  .serialized,
  .enabled(
    if: HeadlessBrowser.isAvailable, "no Chromium is installed; launch/test.sh installs one"))
struct WatchPageTests {
  /// Serves a directory of runs and opens its page.
  func withPage(
    of files: RunFiles, width: Int = 1200, showing charts: Int,
    _ body: (BrowserSession) throws -> Void
  ) throws {
    let server = try ServedRuns(files.path)
    defer { server.end() }
    let session = try BrowserSession(HeadlessBrowser(width: width))
    try session.visit("http://localhost:\(server.port)/?token=\(server.token)")
    try session.wait(
      until: "document.querySelectorAll('.chart:not([hidden])').length", is: "\(charts)")
    _ = try session.text(
      """
      (() => {
      window.pointAt = (key, x) => {
        const { canvas, tip } = charts.get(key);
        const place = canvas.getBoundingClientRect();
        const pixel = place.left + charts.get(key).toX(x);
        canvas.dispatchEvent(new PointerEvent(
          "pointermove", { clientX: pixel, clientY: place.top + 20, bubbles: true }));
        return tip.hidden ? "" : tip.innerText.replaceAll("\\n", "|");
      };
      window.drag = (key, from, to) => {
        const { canvas, toX } = charts.get(key);
        const left = canvas.getBoundingClientRect().left;
        const [start, end] = [left + charts.get(key).toX(from), left + charts.get(key).toX(to)];
        for (const [kind, x] of [["pointerdown", start], ["pointermove", end], ["pointerup", end]]) {
          canvas.dispatchEvent(new PointerEvent(kind, { clientX: x, button: 0, bubbles: true }));
        }
      };
      })()
      """)
    try body(session)
  }

  /// Two runs of 100 steps, whose losses are 200 and 300 over the step.
  private func twoRuns() throws -> RunFiles {
    let files = try RunFiles()
    for (run, factor) in [("one", 200.0), ("two", 300.0)] {
      try files.begin(run, settings: "optimizer: {learning_rate: \(factor / 1e5)}\nseed: 1\n")
      for step in 1...100 {
        try files.append(RunFiles.step(step, loss: factor / Double(step)), to: run)
      }
      try files.append(RunFiles.evaluation(100, loss: factor / 50, accuracy: 0.25), to: run)
    }
    return files
  }

  @Test func pointingShowsTheValuesOfAllRunsAtThatStep() throws {
    try withPage(of: twoRuns(), showing: 6) { page in
      #expect(
        try page.text("pointAt('steps/loss', 50)")
          == "step 50, 50k tokens, 13 s|one|4|two|6")
      #expect(
        try page.text("pointAt('steps/loss', 25)") == "step 25, 25k tokens, 6.3 s|one|8|two|12")
      // The other cards point at the same step, without a tip.
      #expect(
        try page.text(
          "charts.get('steps/learning_rate').pointed === charts.get('steps/loss').pointed")
          == "true")
      #expect(try page.text("document.querySelectorAll('.tip:not([hidden])').length") == "1")
      #expect(
        try page.text("pointAt('evaluations/accuracy', 100)")
          == "step 100, 100k tokens, 25 s|one|25 %|two|25 %")
      // By keys: the last step comes first.
      _ = try page.text(
        """
        ['Escape', 'ArrowLeft'].map(key => charts.get('steps/loss').canvas.dispatchEvent(
          new KeyboardEvent('keydown', { key })))
        """)
      let tip = try page.text("charts.get('steps/loss').tip.innerText.split('\\n')[0]")
      #expect(tip == "step 100, 100k tokens, 25 s")
      #expect(try page.text("document.getElementById('heading').textContent") == "2 runs")
      let label = try page.text("charts.get('steps/loss').canvas.getAttribute('aria-label')")
      #expect(label.hasPrefix("loss, last values: one 2, two 3."))
    }
  }

  @Test func runsAreSwitchedOffAndOn() throws {
    try withPage(of: twoRuns(), showing: 6) { page in
      let toggle = "document.querySelector('button[aria-label=\"show one\"]')"
      #expect(
        try page.text("document.getElementById('differences-table').innerText").contains("0.003"))
      _ = try page.text("\(toggle).click()")
      #expect(try page.text("\(toggle).getAttribute('aria-pressed')") == "false")
      #expect(try page.text("pointAt('steps/loss', 50)") == "step 50, 50k tokens, 13 s|two|6")
      #expect(try page.text("document.getElementById('differences').hidden") == "true")
      _ = try page.text("\(toggle).click()")
      #expect(try page.text("pointAt('steps/loss', 50)").contains("|one|4|two|6"))
    }
  }

  @Test func pointsArriveWhileThePageIsOpen() throws {
    let files = try twoRuns()
    try withPage(of: files, showing: 6) { page in
      let row = "document.querySelectorAll('#runs tr')[0]"
      #expect(try page.text("\(row).children[3].innerText.trim()") == "100 of 100")
      try files.append(RunFiles.step(101, loss: 0.125), to: "one")
      try page.wait(until: "\(row).children[4].textContent", is: "0.125")
      #expect(try page.text("\(row).children[3].innerText.trim()") == "101 of 100")
      #expect(try page.text("pointAt('steps/loss', 101)").contains("|one|0.125"))
      // A resumed run takes steps again.
      let kept = (1...40).map { RunFiles.step($0, loss: 200.0 / Double($0)) }.joined()
      try files.cut("one", to: kept.utf8.count)
      try files.append(RunFiles.step(41, loss: 7.5), to: "one")
      try page.wait(until: "\(row).children[4].textContent", is: "7.5")
      #expect(try page.text("runs.get(0).tables.steps.steps.length") == "41")
      #expect(try page.text("pointAt('steps/loss', 41)").contains("|one|7.5|two|7.3171"))
    }
  }

  @Test func runsThatBeginLaterComeByThemselves() throws {
    let files = try twoRuns()
    try withPage(of: files, showing: 6) { page in
      try files.begin("three")
      try files.append(RunFiles.step(1, loss: 9.5), to: "three")
      try page.wait(until: "document.getElementById('heading').textContent", is: "3 runs")
      try page.wait(until: "lastValue(runs.get(2), 'steps', 'loss')", is: "9.5")
      try FileManager.default.removeItem(atPath: files.path + "/one")
      try page.wait(until: "document.getElementById('heading').textContent", is: "2 runs")
    }
  }

  @Test func zoomingAsksForAllPointsAndPeaksStay() throws {
    let files = try RunFiles()
    try files.begin("long", steps: 20_000)
    let lines = (1...20_000).map { step in
      RunFiles.step(step, loss: step == 12_345 ? 99 : 1 + Double(step % 7) / 100)
    }
    try files.append(lines.joined(), to: "long")
    try withPage(of: files, showing: 4) { page in
      #expect(try page.text("runs.get(0).tables.steps.bucket") == "32")
      // The peak is there before anyone zooms.
      #expect(try page.text("Math.max(...runs.get(0).tables.steps.curves.loss.high)") == "99")
      #expect(try page.text("pointAt('steps/loss', 12340)").contains("… 99"))
      _ = try page.text("drag('steps/loss', 12000, 12700)")
      try page.wait(until: "runs.get(0).detail?.steps.bucket", is: "1")
      #expect(try page.text("pointAt('steps/loss', 12345)").hasPrefix("step 12,345,"))
      #expect(try page.text("pointAt('steps/loss', 12345)").hasSuffix("|long|99"))
      // All cards are zoomed, and a double click shows everything.
      #expect(try page.text("charts.get('steps/gradient_norm').range[0] > 11000") == "true")
      _ = try page.text(
        "charts.get('steps/loss').canvas.dispatchEvent(new MouseEvent('dblclick', {bubbles: true}))"
      )
      #expect(
        try page.text("view.range === null && charts.get('steps/loss').range[0] < 33") == "true")
      #expect(try page.text("document.getElementById('whole').disabled") == "true")
    }
  }

  @Test func theAxisCanBeTokensOrTimeAndLogarithmic() throws {
    try withPage(of: twoRuns(), showing: 6) { page in
      for (axis, place) in [("tokens", 50_000.0), ("seconds", 12.5)] {
        _ = try page.text(
          """
          (document.getElementById('axis').value = '\(axis)',
            document.getElementById('axis').dispatchEvent(new Event('change')))
          """)
        #expect(try page.text("pointAt('steps/loss', \(place))").hasPrefix("step 50,"))
      }
      let chart = "charts.get('steps/loss')"
      let half = "\(chart).toY(2) - \(chart).toY(4) - (\(chart).toY(4) - \(chart).toY(8))"
      #expect(try page.text("Math.abs(\(half)) < 1") == "false")
      _ = try page.text("\(chart).logButton.click()")
      #expect(try page.text("Math.abs(\(half)) < 1") == "true")
      #expect(try page.text("\(chart).logButton.getAttribute('aria-pressed')") == "true")
    }
  }

  @Test func smoothingIsAnExponentialMeanThatCountsAllSteps() throws {
    try withPage(of: twoRuns(), showing: 6) { page in
      // Step by step, with bias correction.
      let values = (1...100).map { 200 / Double($0) }
      var (sum, weight) = (0.0, 0.0)
      let means = values.map { value in
        sum = 0.9 * sum + value
        weight = 0.9 * weight + 1
        return sum / weight
      }
      _ = try page.text(
        """
        (document.getElementById('smoothing').value = spans.indexOf(10),
          document.getElementById('smoothing').dispatchEvent(new Event('input')))
        """)
      for step in [1, 2, 50, 100] {
        let shown = try page.text("charts.get('steps/loss').series[0].smooth[\(step - 1)]")
        let difference = abs((Double(shown) ?? .nan) - means[step - 1])
        #expect(difference < 1e-5 * means[step - 1], "step \(step): \(shown)")
      }
      #expect(
        try page.text("document.getElementById('smoothing-text').textContent") == "over 10 steps")
      // Two values in one point weigh as much as two points.
      let joined = "smoothed({x: [2, 4], mean: [3, 5], counts: [2, 2]}, 10)[1]"
      let apart = "smoothed({x: [1, 2, 3, 4], mean: [3, 3, 5, 5]}, 10)[3]"
      #expect(try page.text("Math.abs(\(joined) - \(apart)) < 1e-12") == "true")
      // A range that is looked at goes on from what came before it.
      let later =
        "smoothed({x: [3, 4], mean: [5, 5]}, 10, {x: [1, 2, 3, 4], mean: [3, 3, 5, 5]})[1]"
      #expect(try page.text("Math.abs(\(later) - \(apart)) < 1e-12") == "true")
    }
  }

  @Test func hostileTextStaysText() throws {
    let hostile = "<img src=x onerror=alert(1)>&amp;"
    let files = try RunFiles()
    try files.begin(hostile, settings: "note: \"</script><b>bold</b>\"\n")
    try files.append(RunFiles.step(1, loss: 1) + RunFiles.step(2, loss: 1), to: hostile)
    try files.append(
      #"{"step":2,"samples":[{"prompt":"</script><b>p</b>","text":"<i>t</i>","<u>k</u>":"v"}]}"#
        + "\n"
        + #"{"step":2,"loss":1,"<s>curve</s>":2}"# + "\n", to: hostile)
    try withPage(of: files, showing: 5) { page in
      try page.wait(until: "document.querySelectorAll('.sample').length", is: "1")
      #expect(try page.text("document.querySelectorAll('main :is(img, b, i, u, s)').length") == "0")
      #expect(try page.text("document.getElementById('heading').textContent") == hostile)
      #expect(
        try page.text("document.querySelector('.sample').textContent").contains("</script><b>p</b>")
      )
      #expect(try page.text("document.querySelector('.sample').textContent").contains("<u>k</u>"))
      #expect(
        try page.text("document.querySelector('#configurations').textContent").contains(
          "</script><b>bold</b>"))
      #expect(
        try page.text("charts.get('steps/<s>curve</s>').heading.textContent").contains(
          "<s>curve</s>"))
    }
  }

  @Test func aSlowRankIsSeenAndAPhoneShowsEverything() throws {
    let files = try twoRuns()
    func rank(_ forward: Double, waiting: Double) -> String {
      """
      {"forward_seconds":\(forward),"backward_seconds":0.02,"reduction_seconds":0.001,\
      "waiting_seconds":\(waiting),"optimizer_seconds":0.002,"resident_bytes":1073741824}
      """
    }
    let ranks = [rank(0.01, waiting: 0.02), rank(0.03, waiting: 0), rank(0.01, waiting: 0.02)]
    try files.append(
      "{\"step\":100,\"ranks\":[\(ranks.joined(separator: ","))]}\n", to: "one")
    try withPage(of: files, width: 390, showing: 7) { page in
      let remark = try page.text("document.querySelector('#ranks .problem').textContent")
      #expect(remark == "Rank 1 computes 63 % longer than the others, which wait for it.")
      #expect(try page.text("document.querySelectorAll('#ranks tbody tr').length") == "3")
      let row = try page.text(
        "document.querySelectorAll('#ranks tbody tr')[1].innerText.replaceAll(/\\s+/g, ' ')")
      #expect(row.contains("30 ms 20 ms 1 ms 0 ms 2 ms 53 ms 1 GiB"))
      #expect(try page.text("pointAt('ranks/memory', 100)").hasSuffix("|one|1 GiB"))
      #expect(try page.text("document.documentElement.scrollWidth <= innerWidth") == "true")
    }
  }

  @Test(arguments: [
    (["csv", "idx"], "samples"), (["texts"], "texts"), (["preferences"], "preferences"),
    (["tokens", "pairs", "conversations"], "tokens"), (["texts", "tokens"], "targets"),
  ])
  func targetsAreCalledWhatTheyAre(formats: [String], unit: String) throws {
    let files = try RunFiles()
    for format in formats {
      try files.begin(format, format: format)
      try files.append(RunFiles.step(1, loss: 2), to: format)
    }
    try withPage(of: files, showing: 4) { page in
      let found = try page.text("unitOf([...runs.values()])")
      #expect(found == unit)
    }
  }

  @Test func theReportIsThePageInOneFile() async throws {
    let files = try twoRuns()
    let hash = String(repeating: "ab", count: 32)
    try files.directory.write(
      "one/summary.json",
      """
      {"steps":100,"tokens":100000,"loss":2,"accuracy":0.25,"parameters_sha256":"\(hash)",
      "privacy":{"epsilon":2.5,"clip":{"norm":1}},"lockstep":{"version":"9.8.7","processor_level":"x86-64-v3"}}
      """)
    try files.append(
      #"{"step":100,"samples":[{"prompt":"</script><b>p</b>","text":"wrote this"}]}"# + "\n",
      to: "two")
    let output = files.path + "/report.html"
    let written = try await RunReport(paths: [files.path + "/one", files.path + "/two"])
      .write(to: output, now: 4_000_000_000)
    #expect(written.runs == 2)
    let text = try String(contentsOfFile: output, encoding: .utf8)
    #expect(text.utf8.count == written.bytes)
    #expect(!text.contains("http://") && !text.contains("https://"))
    #expect(!text.contains("</script><b>"))
    let page = try BrowserSession()
    try page.visit("file://" + output)
    try page.wait(until: "document.querySelectorAll('.chart:not([hidden])').length", is: "6")
    #expect(try page.text("document.getElementById('results').textContent").contains(hash))
    #expect(try page.text("document.getElementById('results').textContent").contains("9.8.7"))
    let rows = try page.text(
      "[...document.querySelectorAll('#results-table tr')].map(row => row.textContent).join()")
    #expect(rows.contains("privacy.clip.norm1,privacy.epsilon2.5,"), "\(rows)")
    #expect(try page.text("document.getElementById('samples').textContent").contains("wrote this"))
    #expect(try page.text("document.querySelectorAll('main b').length") == "0")
    let values = try page.text(
      "charts.get('steps/loss').valuesAt(50).map(({ series, index }) => series.mean[index])")
    #expect(values == "4,6")
    let states = try page.text(
      "[...document.querySelectorAll('.state')].map(one => one.textContent)")
    #expect(states == "finished,not finished")
    let date = try page.text("document.getElementById('connection').textContent")
    #expect(date == "report of 2096-10-02 07:06 UTC")
  }

  @Test func aReportOfNothingIsRefused() async throws {
    let files = try RunFiles()
    await #expect(throws: WatchingError.missing(path: files.path + "/none")) {
      _ = try await RunReport(paths: [files.path + "/none"]).write(to: files.path + "/r.html")
    }
    try files.begin("run")
    let output = files.path + "/missing/r.html"
    do {
      _ = try await RunReport(paths: [files.path]).write(to: output)
      Issue.record("a report was written into a directory that is not there")
    } catch let error as WatchingError {
      #expect(error.description.hasPrefix(output + ": the report can not be written"))
    }
  }
}
