import Foundation
import TestSupport
import Testing

extension CommandLineTests {
  /// `lockstep audit`.
  @Suite struct AuditCommandTests {
    private func bench() throws -> Workbench {
      let bench = try Workbench.ofSamples()
      let privacy = "privacy: {noise: 2, clip: 0.1, delta: 1e-4, key_file: none}\n"
      try bench.write(
        Workbench.kinds.replacingOccurrences(
          of: "target: kind", with: "target: kind, normalize: false")
          + "\n" + privacy,
        to: "private.yaml")
      return bench
    }

    private func object(_ text: String) throws -> [String: Any] {
      try #require(JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
    }

    @Test func anAuditOfARunDoesWhatIsPossible() throws {
      let bench = try bench()
      let trained = try bench.run(["train", "kinds.yaml", "--quiet"])
      try #require(trained.exitCode == 0, "\(trained.errorOutput)")
      let text = try bench.run(["audit", "runs/kinds", "--references", "2"])
      #expect(text.exitCode == 0, "\(text.errorOutput)")
      #expect(text.output.contains("loss against references"))
      #expect(text.output.contains("canaries: left out: runs/kinds: canaries are put into token"))
      #expect(text.output.contains("epsilon: left out: runs/kinds: privacy is off"))
      let result = try object(bench.run(["audit", "runs/kinds", "--json"]).output)
      let membership = try #require(result["membership"] as? [String: Any])
      #expect(membership["members"] as? Int == 300 && membership["others"] as? Int == 60)
      #expect((result["left_out"] as? [String: String])?.keys.sorted() == ["canaries", "epsilon"])
    }

    @Test(arguments: [
      (["--references", "3"], "--references is an even number from 0 to 1024"),
      (["--canary-steps", "0"], "--canary-steps is at least 1"),
      (["--runs", "4"], "--runs is from 8 to 10000000"),
    ])
    func wrongOptionsAreToldBeforeAnythingIsDone(_ options: [String], _ expected: String) throws {
      let bench = try bench()
      let trained = try bench.run(["train", "kinds.yaml", "--quiet", "--steps", "2"])
      try #require(trained.exitCode == 0, "\(trained.errorOutput)")
      let ending = try bench.run(["audit", "runs/kinds"] + options)
      #expect(ending.exitCode == 2 && ending.output.isEmpty, "\(ending.output)")
      #expect(ending.errorOutput.contains(expected), "\(ending.errorOutput)")
    }

    @Test func aPrivateConfigurationIsConsistent() throws {
      let bench = try bench()
      let command = ["audit", "epsilon", "private.yaml", "--runs", "60", "--json"]
      let ending = try bench.run(command)
      #expect(ending.exitCode == 0, "\(ending.errorOutput)")
      let result = try object(ending.output)
      #expect(result["is_consistent"] as? Bool == true)
      #expect(result["noise"] as? Double == 2)
      #expect(try bench.run(command).output == ending.output)
    }

    @Test func whatIsWrongIsSaid() throws {
      let bench = try bench()
      let open = try bench.run(["audit", "epsilon", "kinds.yaml"])
      #expect(open.exitCode == 2 && open.errorOutput.contains("privacy is off"))
      let rows = try bench.run(["audit", "canaries", "kinds.yaml"])
      #expect(rows.exitCode == 2 && rows.errorOutput.contains("token files"))
      let odd = try bench.run(["audit", "membership", "runs/kinds", "--references", "3"])
      #expect(odd.exitCode == 2 && odd.errorOutput.contains("even number"))
    }
  }
}
