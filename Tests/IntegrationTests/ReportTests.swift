import Foundation
import LockstepFiles
import LockstepTensorBoard
import TestSupport
import Testing

extension TrainedRunTests {
  /// What a run writes for those who watch it, from the command line.
  @Suite struct ReportTests {
    private static let watched = [
      "report.histograms_every=4", "samples.every=4",
      "samples.prompts=[\"the \", \"</script><b>\"]",
      "samples.max_tokens=5",
    ].flatMap { ["--set", $0] }

    private func lines(_ bench: Workbench, _ run: String) throws -> [[String: Any]] {
      try bench.text("\(run)/metrics.jsonl").split(separator: "\n").map {
        try #require(JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any])
      }
    }

    /// All values of all files for TensorBoard, in the order in which it reads them.
    private func values(
      _ bench: Workbench, _ run: String
    ) throws -> [(step: Int, value: TensorBoardSummary.Value)] {
      let folder = bench.path(run + "/tensorboard")
      return try FileManager.default.contentsOfDirectory(atPath: folder).sorted().flatMap { name in
        try MappedFile(path: folder + "/" + name).withBytes {
          EventRecords($0, keepsEvents: true).events.flatMap { event in
            event.summary.value.map { (Int(event.step), $0) }
          }
        }
      }
    }

    /// Also that watching changes no parameter, and that counts do not depend on the number of ranks.
    @Test(.enabled(if: MPIRunner.isAvailable, "needs mpirun, and the package trait MPI"))
    func whatIsWrittenIsTheSameOnAnyNumberOfRanks() throws {
      let bench = try Workbench()
      let plain = try bench.train(
        "plain", ["--steps", "12", "--set", "report.tensorboard=false"])
      #expect(!FileManager.default.fileExists(atPath: bench.path("plain/tensorboard")))
      var histograms: [[TensorBoardTensorProto]] = []
      var samples: [[[String: String]]] = []
      for ranks in [1, 3] {
        let run = "watched-\(ranks)"
        let summary = try bench.train(run, ["--steps", "12"] + Self.watched, ranks: ranks)
        #expect(summary.parametersSHA256 == plain.parametersSHA256)
        let found = try values(bench, run)
        let distributions = found.filter { $0.value.metadata.pluginData.pluginName == "histograms" }
        #expect(Set(distributions.map(\.step)) == [4, 8, 12])
        histograms.append(distributions.map(\.value.tensor))
        let lines = try lines(bench, run)
        let times = lines.compactMap { $0["ranks"] as? [[String: Double]] }
        #expect(times.map(\.count) == [ranks])
        #expect(
          times[0].allSatisfy {
            ($0["forward_seconds"] ?? 0) > 0 && ($0["resident_bytes"] ?? 0) > 1e6
          })
        samples += [lines.compactMap { $0["samples"] as? [[String: String]] }.flatMap(\.self)]
        #expect(
          lines.filter { $0["samples"] != nil }.compactMap { $0["step"] as? Int } == [4, 8, 12])
      }
      #expect(histograms[0] == histograms[1])
      #expect(samples[0] == samples[1] && samples[0].count == 6)
      #expect(
        samples[0].map { $0["prompt"] }
          == Array(repeating: ["the ", "</script><b>"], count: 3).flatMap(\.self))
    }

    /// Every element of every tensor is counted, of each kind.
    @Test func distributionsCountEveryElement() throws {
      let bench = try Workbench()
      let summary = try bench.train("run", ["--steps", "5"] + Self.watched)
      var counts: [String: Double] = [:]
      for (_, value) in try values(bench, "run")
      where value.metadata.pluginData.pluginName == "histograms" {
        let numbers = value.tensor.doubleVal
        let kind = String(value.tag.prefix { $0 != "/" })
        counts[kind, default: 0] += stride(from: 2, to: numbers.count, by: 3).reduce(0) {
          $0 + numbers[$1]
        }
      }
      let all = Double(summary.parameters)
      #expect(counts == ["parameters": all, "gradients": all, "updates": all])
    }

    @Test func aResumedRunHasEachStepOnceForTensorBoard() throws {
      let bench = try Workbench()
      let checkpoints = ["--set", "checkpoint.every=5", "--set", "schedule={name: constant}"]
      _ = try bench.train("run", ["--steps", "13"] + checkpoints)
      // As a run that was killed in its thirteenth step.
      try FileManager.default.removeItem(atPath: bench.path("run/checkpoints/step-00000013"))
      _ = try bench.train("run", ["--steps", "15", "--resume"] + checkpoints)
      let losses = try values(bench, "run").filter { $0.value.tag == "train/loss" }
      #expect(losses.map(\.step) == Array(1...15))
      let expected = try lines(bench, "run").compactMap { $0["loss"] as? Double }
      #expect(losses.map(\.value.simpleValue) == expected.map(Float.init))
    }

    @Test(arguments: [
      ("samples.every=2", "samples.prompts: found [] (the default), expected at least one text"),
      ("samples={every: 2, prompts: [\"[MASK]\"], max_tokens: 0}", "samples.max_tokens"),
      (
        "report={tensorboard: false, histograms_every: 3}",
        "report.histograms_every: found 3, expected 0"
      ),
    ])
    func whatCanNotBeShownIsRefused(override: String, message: String) throws {
      let bench = try Workbench()
      let ending = try bench.run(["train", "run.yaml", "--output", "run", "--set", override])
      #expect(ending.exitCode == 2 && ending.errorOutput.contains(message), "\(ending.errorOutput)")
    }
  }
}
