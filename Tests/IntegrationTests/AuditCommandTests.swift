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
      (["--references", "3"], "--references is a whole number from 0 to 1024, and even, not 3"),
      (["--canary-steps", "0"], "--canary-steps is a whole number of at least 1, not 0"),
      (["--runs", "4"], "--runs is a whole number from 8 to 10000000, not 4"),
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

    /// Half of 360 samples are too few for steps of 256.
    @Test func referencesThatCanNotBePrivateAreLeftOutOfAnAudit() throws {
      let bench = try bench()
      for command in [
        ["key", "--output", "run.key"],
        [
          "train", "private.yaml", "--quiet", "--steps", "2", "--set", "batch.sequences=64",
          "--set", "privacy.key_file=run.key", "--output", "trained",
        ],
      ] {
        let ending = try bench.run(command)
        try #require(ending.exitCode == 0, "\(ending.errorOutput)")
      }
      let ending = try bench.run(
        ["audit", "trained", "--references", "2", "--runs", "16", "--json"])
      #expect(ending.exitCode == 0, "\(ending.errorOutput)")
      let result = try object(ending.output)
      let reasons = try #require(result["left_out"] as? [String: String])
      #expect(try #require(reasons["membership"]).contains(": leave --references out"))
      #expect(result["epsilon"] is [String: Any])
    }

    @Test func whatIsWrongIsSaid() throws {
      let bench = try bench()
      let open = try bench.run(["audit", "epsilon", "kinds.yaml"])
      #expect(open.exitCode == 2 && open.errorOutput.contains("privacy is off"))
      let rows = try bench.run(["audit", "canaries", "kinds.yaml"])
      #expect(rows.exitCode == 2 && rows.errorOutput.contains("token files"))
      let odd = try bench.run(["audit", "membership", "runs/kinds", "--references", "3"])
      #expect(odd.exitCode == 2 && odd.errorOutput.contains("and even, not 3"))
    }

    /// Numbers that no run may have: each was an overflow, or took for ever.
    @Test(arguments: [
      ("audit epsilon private.yaml", "--steps", "9223372036854775807"),
      ("audit epsilon private.yaml", "--rate", "1e-320"),
      ("audit epsilon private.yaml", "--delta", "1e-300"),
      ("audit canaries private.yaml", "--canaries", "5000000000000000000"),
      ("audit canaries private.yaml", "--steps", "9223372036854775807"),
      ("audit membership private.yaml", "--steps", "9223372036854775807"),
      ("privacy --rate 0.1 --steps 9", "--noise", "inf"),
      ("privacy --accountant rdp --rate 0.1 --steps 9", "--noise", "inf"),
      ("privacy --rate 0.1 --steps 9", "--noise", "1e200"),
      ("privacy --rate 0.1 --steps 9", "--noise", "1e-200"),
      ("privacy --rate 0.1 --steps 9", "--noise", "nan"),
      ("privacy --rate 1 --noise 0.1", "--steps", "9223372036854775807"),
      ("privacy --steps 9 --noise 1", "--rate", "1e-320"),
      ("privacy --rate 0.1 --steps 9", "--epsilon", "1e300"),
      ("privacy --rate 0.1 --steps 9 --noise 1", "--delta", "1e-300"),
    ])
    func numbersOutOfRangeAreRefused(command: String, option: String, number: String) throws {
      let arguments = command.split(separator: " ").map(String.init) + [option, number]
      let ending = try bench().run(arguments, timeout: .seconds(30))
      #expect(ending.exitCode == 2, "\(arguments): \(ending.errorOutput)")
      #expect(ending.errorOutput.contains("\(option) is "), "\(ending.errorOutput)")
    }

    @Test func stepsWhoseRoundingExceedsDeltaAreRefused() throws {
      let ending = try bench().run(
        "privacy --rate 0.1 --steps 1000000 --noise 9 --delta 1e-12".split(separator: " ")
          .map(String.init))
      #expect(ending.exitCode == 2 && ending.errorOutput.contains("privacy.accountant: rdp"))
    }
  }
}
