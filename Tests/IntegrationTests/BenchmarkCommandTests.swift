import Foundation
import TestSupport
import Testing

extension CommandLineTests {
  @Suite struct BenchmarkCommandTests {
    private func object(_ text: String) throws -> [String: Any] {
      try #require(JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
    }

    @Test(arguments: [nil, 2])
    func trainingPrintsOneObjectAndWritesNothing(ranks: Int?) throws {
      let bench = try Workbench()
      let before = try bench.contents(of: ".")
      let ending = try bench.run(
        ["benchmark", "train", "run.yaml", "--steps", "2", "--json"], ranks: ranks)
      #expect(ending.exitCode == 0, "\(ending.errorOutput)")
      let result = try object(ending.output)
      #expect(result["ranks"] as? Int == ranks ?? 1)
      #expect(result["steps"] as? Int == 2)
      // Eight micro-batches of two sequences of 48.
      #expect(result["tokens_per_step"] as? Int == 768)
      for key in [
        "tokens_per_second", "seconds_per_step", "flop_per_step", "gflops", "peak_gflops",
        "peak_share", "forward_seconds", "backward_seconds", "reduction_seconds",
        "optimizer_seconds", "peak_bytes", "peak_resident_bytes", "proportional_bytes",
      ] {
        #expect(try #require(result[key] as? Double) > 0, "\(key)")
      }
      #expect(try bench.contents(of: ".") == before)
    }

    @Test func withoutAPartItMeasuresThisMachine() throws {
      let bench = try Workbench()
      let before = try bench.contents(of: ".")
      let alone = try bench.run(["benchmark", "run.yaml", "--steps", "2"])
      #expect(alone.exitCode == 0, "\(alone.errorOutput)")
      for part in ["GFLOP/s (of the peak)", "OpenBLAS by its", "layer norm, forward", "tokens"] {
        #expect(alone.output.contains(part), "\(alone.output)")
      }
      let together = try bench.run(["benchmark", "run.yaml", "--steps", "2", "--json"], ranks: 2)
      #expect(together.exitCode == 0, "\(together.errorOutput)")
      let result = try object(together.output)
      #expect(Set(result.keys) == ["reduction", "training"])
      let reduction = try #require(result["reduction"] as? [String: Any])
      #expect(reduction["ranks"] as? Int == 2)
      #expect((reduction["sizes"] as? [Any])?.count == 8)
      let training = try #require(result["training"] as? [String: Any])
      #expect(training["steps"] as? Int == 2)
      #expect(try bench.contents(of: ".") == before)
    }

    @Test func kernelsPrintOneObject() throws {
      let bench = try Workbench()
      let ending = try bench.run(["benchmark", "kernels", "run.yaml", "--json"])
      #expect(ending.exitCode == 0, "\(ending.errorOutput)")
      let runs = try #require(object(ending.output)["runs"] as? [[String: Any]])
      #expect(runs.first?["threads"] as? Int == 1)
      for run in runs {
        let memory = try #require(run["memory"] as? [String: Any])
        #expect((memory["kernels"] as? [Any])?.isEmpty == false)
        let products = try #require(run["products"] as? [String: Any])
        #expect(try #require(products["open_blas_gflops"] as? Double) > 0)
        for precision in ["float32", "bfloat16"] {
          let step = try #require(products[precision] as? [String: Any])
          #expect(0 < (try #require(step["gflops"] as? Double)))
          #expect(0...1 ~= (try #require(step["peak_share"] as? Double)))
        }
      }
    }
  }
}
