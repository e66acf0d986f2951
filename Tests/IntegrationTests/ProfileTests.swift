import Foundation
import TestSupport
import Testing

extension TrainedRunTests {
  /// `train --profile`: one file of what all ranks and threads did.
  @Suite struct ProfileTests {
    private struct Trace: Decodable {
      struct Event: Decodable {
        struct Arguments: Decodable {
          var name: String?
          var bytes: Int?
          var step: Int?
        }
        let ph: String
        let name: String
        let pid: Int
        let tid: Int
        var ts: Double?
        var dur: Double?
        let args: Arguments
      }
      let traceEvents: [Event]
    }

    private func trace(_ bench: Workbench, _ run: String) throws -> Trace {
      try JSONDecoder().decode(Trace.self, from: Data(bench.text(run + "/trace.json").utf8))
    }

    /// Micro-batches, collectives and waits of each rank, in the steps that were asked for, one within the
    /// other as calls are; and the same parameters as without.
    @Test(.enabled(if: MPIRunner.isAvailable, "needs mpirun, and the package trait MPI"))
    func theStepsOfAllRanksAreInOneFile() throws {
      let bench = try Workbench()
      let plain = try bench.train("plain", ["--steps", "8"])
      let profiled = try bench.train(
        "profiled", ["--steps", "8", "--profile", "5-6"], ranks: 2)
      #expect(profiled.parametersSHA256 == plain.parametersSHA256)
      let events = try trace(bench, "profiled").traceEvents
      let names = events.filter { $0.ph == "M" && $0.name == "process_name" }.map(\.args.name)
      #expect(names.compactMap { $0?.prefix(6) } == ["rank 0", "rank 1"])
      for rank in 0...1 {
        let spans = events.filter { $0.ph == "X" && $0.pid == rank }
        // Two steps of four micro-batches.
        for phase in ["forward", "backward", "data"] {
          #expect(spans.filter { $0.name == phase }.count == 8, "\(phase)")
        }
        #expect(spans.filter { $0.name == "optimizer" }.count == 2)
        let shares = spans.filter { $0.name == "share" }
        #expect(shares.map(\.args.step) == [5, 6])
        #expect(shares.allSatisfy { $0.args.bytes == 4 * plain.parameters })
        try requireNested(spans.filter { $0.tid == 0 })
      }
    }

    /// Spans of a thread are one within the other, or one after the other.
    private func requireNested(_ spans: [Trace.Event]) throws {
      var open: [Double] = []
      let ordered = try spans.map { (try #require($0.ts), try #require($0.dur)) }
        .sorted { ($0.0, -$0.1) < ($1.0, -$1.1) }
      for (begin, duration) in ordered {
        while let last = open.last, last <= begin { open.removeLast() }
        // Times are nanoseconds, as decimals of microseconds.
        #expect(open.last.map { begin + duration <= $0 + 0.01 } ?? true)
        open.append(begin + duration)
      }
    }

    @Test func stepsThatDoNotComeAreTold() throws {
      let bench = try Workbench()
      let late = try bench.run(
        ["train", "run.yaml", "--output", "late", "--steps", "6", "--profile", "7"])
      #expect(late.exitCode == 0)
      #expect(
        late.output.contains(
          "no timeline was written, because --profile asks for step 7, and the run ended after step 6"
        ))
      #expect(!bench.exists("late/trace.json"))
    }

    @Test(arguments: ["0", "3-2", "1-200", "a", "1-2-3", "-4"])
    func whatNamesNoStepsIsRefused(steps: String) throws {
      let bench = try Workbench()
      let ending = try bench.run(["train", "run.yaml", "--output", "run", "--profile=\(steps)"])
      #expect(ending.exitCode == 2 && ending.errorOutput.contains("names no steps"))
    }
  }
}
