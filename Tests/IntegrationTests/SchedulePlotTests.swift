import Testing

extension CommandLineTests {
  /// `lockstep train --plot-schedule`.
  @Suite struct SchedulePlotTests {
    @Test func theScheduleIsDrawnAndNothingIsTrained() throws {
      let bench = try Workbench()
      let before = try bench.contents(of: ".")
      let ending = try bench.run(["train", "run.yaml", "--plot-schedule"])
      #expect(ending.exitCode == 0, "\(ending.errorOutput)")
      #expect(ending.output.hasPrefix("learning rate: cosine\n"), "\(ending.output)")
      #expect(ending.output.contains("█"))
      #expect(try bench.contents(of: ".") == before)
    }

    @Test(arguments: [[], ["--plot-output", "rate.svg"]])
    func aRateBeyondAllNumbersIsRefused(options: [String]) throws {
      let bench = try Workbench()
      let ending = try bench.run(
        ["train", "run.yaml", "--plot-schedule", "--steps", "2000"]
          + ["--set", "schedule={name: exponential, decay: 2}"] + options)
      #expect(ending.exitCode == 2 && ending.output.isEmpty)
      #expect(
        ending.errorOutput.contains("schedule: ")
          && ending.errorOutput.contains("choose a smaller decay"), "\(ending.errorOutput)")
      #expect(!bench.exists("rate.svg"))
    }

    @Test func theScheduleIsDrawnIntoAFile() throws {
      let bench = try Workbench()
      let ending = try bench.run(
        ["train", "run.yaml", "--plot-schedule", "--plot-output", "rate.svg", "--steps", "70"])
      #expect(ending.exitCode == 0, "\(ending.errorOutput)")
      #expect(ending.output.isEmpty, "\(ending.output)")
      let image = try bench.text("rate.svg")
      #expect(image.hasPrefix("<svg ") && image.contains(">learning rate: cosine</text>"))
      #expect(image.contains("<polyline points=") && image.contains(">70</text>"))
      #expect(!bench.exists("runs"))
    }
  }
}
