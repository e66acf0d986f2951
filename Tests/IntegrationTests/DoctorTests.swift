import Foundation
import LockstepTraining
import TestSupport
import Testing

extension CommandLineTests {
  @Suite struct DoctorTests {
    @Test(arguments: [nil, 2])
    func itShowsWhatTheProcessorsCanDoAndHow(ranks: Int?) throws {
      let bench = try Workbench()
      let ending = try bench.run(["doctor", "--json"], ranks: ranks)
      #expect(ending.exitCode == 0, "\(ending.errorOutput)")
      let object = try #require(
        JSONSerialization.jsonObject(with: Data(ending.output.utf8)) as? [String: Any])
      let members = try #require(object["ranks"] as? [[String: Any]])
      #expect(members.count == ranks ?? 1)
      for rank in members {
        let speeds = try #require(rank["speeds"] as? [[String: Any]])
        #expect(speeds.map { $0["precision"] as? String } == ["float32", "bfloat16"])
        for speed in speeds {
          let peak = try #require(speed["peak_gigaflops"] as? Double)
          let products = try #require(speed["product_gigaflops"] as? Double)
          #expect(0 < products && products <= peak)
          #expect((speed["instructions"] as? String)?.isEmpty == false)
        }
      }
      let text = try bench.run(["doctor"], ranks: ranks).output
      for part in ["% of the peak of", ", by ", "kernels"] { #expect(text.contains(part)) }
    }

    @Test func withACaseItPredictsAndTheDiagnosisStays() throws {
      let bench = try Workbench()
      let ending = try bench.run(["doctor", "tiny", "--json"], ranks: 2)
      #expect(ending.exitCode == 0, "\(ending.errorOutput)")
      let object = try #require(
        JSONSerialization.jsonObject(with: Data(ending.output.utf8)) as? [String: Any])
      #expect((object["ranks"] as? [Any])?.count == 2)
      #expect((object["ranks"] as? [[String: Any]])?.allSatisfy { $0["pmix"] is String } == true)
      let prediction = try #require(object["prediction"] as? [String: Any])
      let steps = try #require(prediction["steps"] as? [[String: Any]])
      #expect(steps.map { $0["ranks"] as? Int } == [1, 2])
      #expect(steps.map { $0["is_this_job"] as? Bool } == [false, true])
      #expect(steps.allSatisfy { ($0["tokens_per_second"] as? Double ?? 0) > 0 })
    }

    @Test(arguments: [
      (["doctor", "tiny", "--against", "run"], "leave the other one out"),
      (["doctor", "--set", "steps=5"], "give one"),
      (["doctor", "nothing.yaml"], "nothing.yaml: no such case or file"),
      (["doctor", "--against", "nothing"], "nothing: holds no summary.json"),
    ])
    func whatDoesNotGoTogetherIsRefused(arguments: [String], message: String) throws {
      let ending = try Workbench().run(arguments)
      #expect(ending.exitCode == 2 && ending.errorOutput.contains(message), "\(ending.errorOutput)")
    }

    /// Whose daemons and files have the names that are known.
    @Test func anMPIThatIsNotOpenMPI41IsAFinding() {
      for version in ["Open MPI v4.1.4", "Open MPI v4.1.0rc1", "none"] {
        #expect(Diagnosis.finding(onMPI: version) == nil, "\(version)")
      }
      for version in ["Open MPI v5.0.7", "Open MPI v4.0.3", "Open MPI v4.10.0", "MPICH 4.2"] {
        #expect(Diagnosis.finding(onMPI: version)?.hasPrefix("\(version): ") == true)
      }
    }

    /// OpenBLAS can be told to take kernels that do not fit, and then what to tell it instead.
    @Test func genericKernelsOfOpenBLASAreAFinding() throws {
      let bench = try Workbench()
      let lockstep = try MPIRunner.product("lockstep").path
      let ending = try RunningCommand(
        ["env", "OPENBLAS_CORETYPE=Nehalem", lockstep, "doctor", "--json"], in: bench.folder,
        timeout: .seconds(60)
      ).wait()
      let object = try #require(
        JSONSerialization.jsonObject(with: Data(ending.output.utf8)) as? [String: Any])
      let rank = try #require((object["ranks"] as? [[String: Any]])?.first)
      let kernels = try #require(rank["open_blas"] as? [String: Any])
      // One that was built for a single kind of processor takes no advice, and others than x86-64 have
      // no such kernels.
      let level = try #require(kernels["processor_level"] as? String)
      guard kernels["name"] as? String == "Nehalem", level.hasPrefix("x86-64-") else { return }
      let findings = try #require(object["findings"] as? [String])
      #expect(
        findings.contains {
          $0.contains("Nehalem kernels")
            && $0.hasSuffix(level.hasSuffix("v4") ? "SkylakeX" : "Haswell")
        })
    }
  }
}
