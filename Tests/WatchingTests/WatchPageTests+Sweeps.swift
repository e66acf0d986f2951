import Testing

/// Tables of trials.
extension WatchPageTests {
  @Test(arguments: ["max", "null"]) func aSweepIsATableOfItsTrials(goal: String) throws {
    let files = try RunFiles()
    try files.directory.write("sweep/sweep.yaml", "metric: accuracy\ngoal: \(goal)\n")
    for (trial, accuracy) in [("0001", 0.5), ("0002", 0.75), ("0003", 0.25)] {
      try files.begin("sweep/trials/\(trial)", settings: "rate: 0.\(trial)\n")
      try files.append(
        RunFiles.step(1, loss: 2) + RunFiles.evaluation(1, loss: 2, accuracy: accuracy),
        to: "sweep/trials/\(trial)")
    }
    try files.directory.write(
      "sweep/trials/0003.json", #"[{"trial":3,"state":"diverged","reason":"loss is NaN"}]"#)
    try withPage(of: files, showing: 6) { page in
      try page.wait(until: "document.querySelectorAll('#sweeps tbody tr').length", is: "3")
      func cell(_ row: Int, _ column: Int) throws -> String {
        try page.text(
          "document.querySelectorAll('#sweeps tbody tr')[\(row)].children[\(column)].textContent")
      }
      #expect(try (0...2).map { try cell($0, 0) } == ["0002", "0001", "0003"])
      #expect(try (0...2).map { try cell($0, 1) } == ["0.0002", "0.0001", "0.0003"])
      #expect(try (0...2).map { try cell($0, 2) } == ["75 %", "50 %", "25 %"])
      #expect(try cell(2, 4) == "diverged")
    }
  }

  @Test func trialsAreComparedByTheLossOfTheirSteps() throws {
    let files = try RunFiles()
    try files.directory.write("sweep/sweep.yaml", "metric: loss\ngoal: null\n")
    for (trial, loss) in [("0001", 3.0), ("0002", 2.0), ("0003", 1.0)] {
      try files.begin("sweep/trials/\(trial)")
      try files.append(RunFiles.step(1, loss: loss), to: "sweep/trials/\(trial)")
    }
    // What it was before it diverged makes no trial the best.
    try files.directory.write(
      "sweep/trials/0003.json", #"[{"trial":3,"state":"diverged","reason":"loss is NaN"}]"#)
    try withPage(of: files, showing: 4) { page in
      try page.wait(until: "document.querySelectorAll('#sweeps tbody tr').length", is: "3")
      let rows = try page.text(
        "[...document.querySelectorAll('#sweeps tbody tr')].map(row => [...row.children].slice(0, 2).map(cell => cell.textContent).join('=')).join()"
      )
      #expect(rows == "0002=2,0001=3,0003=1")
      #expect(
        try page.text("document.querySelector('#sweeps .best').children[0].textContent") == "0002")
    }
  }

  /// As `sweep.json` has them: a trial that was left behind at a rung is not the best, whatever its metric.
  @Test func trialsThatCameFarthestComeFirst() throws {
    let files = try RunFiles()
    try files.directory.write("sweep/sweep.yaml", "metric: accuracy\ngoal: null\n")
    for (trial, accuracy, record) in [
      ("0001", 0.9, #""paused","measurements":[{}]"#),
      ("0002", 0.5, #""paused","measurements":[{},{}]"#),
      ("0003", 0.6, #""finished","measurements":[{}]"#),
      ("0004", 0.7, #""finished","measurements":[{},{},{}]"#),
      ("0005", 0.8, #""failed","measurements":[{},{}]"#), ("0006", nil, #""paused""#),
    ] {
      try files.begin("sweep/trials/\(trial)")
      try files.append(RunFiles.step(1, loss: 2), to: "sweep/trials/\(trial)")
      if let accuracy {
        try files.append(
          RunFiles.evaluation(1, loss: 2, accuracy: accuracy), to: "sweep/trials/\(trial)")
      }
      try files.directory.write("sweep/trials/\(trial).json", "[{\"state\":\(record)}]")
    }
    try withPage(of: files, showing: 6) { page in
      try page.wait(until: "document.querySelectorAll('#sweeps tbody tr').length", is: "6")
      let rows = try page.text(
        "[...document.querySelectorAll('#sweeps tbody tr')].map(row => [...row.children].slice(0, 2).map(cell => cell.textContent).join('=')).join()"
      )
      #expect(rows == "0004=70 %,0003=60 %,0002=50 %,0001=90 %,0005=80 %,0006=–")
      #expect(
        try page.text("document.querySelector('#sweeps .best').children[0].textContent") == "0004")
      #expect(try page.text("document.querySelectorAll('#sweeps .problem').length") == "0")
    }
  }

  @Test func aSweepsFileThatCanNotBeReadIsToldOf() throws {
    let files = try RunFiles()
    try files.directory.write("sweep/sweep.yaml", "metric: [accuracy\n")
    try files.begin("sweep/trials/0001")
    try files.append(RunFiles.step(1, loss: 2), to: "sweep/trials/0001")
    try withPage(of: files, showing: 4) { page in
      try page.wait(until: "document.querySelectorAll('#sweeps .problem').length", is: "1")
      let problem = try page.text("document.querySelector('#sweeps .problem').textContent")
      #expect(problem.contains("sweep.yaml:"), "\(problem)")
    }
  }
}
