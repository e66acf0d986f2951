import Foundation
import LockstepCommunication
import TestSupport
import Testing

/// The same promises with ranks that are processes. Serialised: ranks outnumber processors already.
@Suite(.serialized, .enabled(if: MPIRunner.isAvailable, "needs mpirun, and the package trait MPI"))
struct MPITests {
  private func probe(
    ranks: Int, ranksPerHost: Int? = nil, _ arguments: [String]
  ) throws -> MPIRunner.Outcome {
    let pretended = ranksPerHost.map { ["--ranks-per-host", "\($0)"] } ?? []
    let outcome = try MPIRunner(rankCount: ranks).run(
      "communication-probe", arguments + pretended)
    #expect(!outcome.timedOut, "took \(outcome.duration): \(outcome.errorOutput)")
    return outcome
  }

  @Test(arguments: [(1, 1), (2, 2), (2, 1), (3, 3), (3, 2), (4, 2), (8, 8), (8, 3)])
  func processesGetTheBitsOfTheSequentialTree(ranks: Int, ranksPerHost: Int) throws {
    let (elementCount, leafCount) = (350_003, 11)
    let outcome = try probe(
      ranks: ranks, ranksPerHost: ranksPerHost,
      ["reduce", "--elements", "\(elementCount)", "--leaves", "\(leafCount)"])
    let gradient = NaiveReduction.gradient(
      seed: 2, leafCount: leafCount, elementCount: elementCount)
    let norm = try soloNorm(gradient)
    let loss = NaiveReduction.treeSum(0..<leafCount) { Double($0) + 0.1 }
    let last = outcome.output.split(separator: "\n").last.map(String.init)
    #expect(
      last == "\(NaiveReduction.hash(gradient)) \(norm.bitPattern) \(loss.bitPattern)",
      "\(outcome.errorOutput)")
    #expect(outcome.exitCode == 0)
  }

  private func soloNorm(_ gradient: [Float]) throws -> Double {
    let reduction = try CanonicalReduction(
      communicator: SoloCommunicator(), elementCount: gradient.count, leafCount: 1)
    _ = reduction.leafBuffer.update(fromContentsOf: gradient)
    reduction.fold()
    return try reduction.reduce().squaredNorm
  }

  @Test(arguments: [(2, 2), (3, 1), (4, 3)])
  func collectivesWorkBetweenProcesses(ranks: Int, ranksPerHost: Int) throws {
    let outcome = try probe(ranks: ranks, ranksPerHost: ranksPerHost, ["collectives"])
    #expect(outcome.output == "ok\n", "\(outcome.errorOutput)")
    #expect(outcome.exitCode == 0)
  }

  @Test(arguments: [(2, 2, 2), (4, 4, 2), (5, 2, 2), (4, 4, 4)])
  func groupsOfProcessesReduceByThemselves(ranks: Int, ranksPerHost: Int, groups: Int) throws {
    let sizes = ["--elements", "100003", "--leaves", "5"]
    let alone = try probe(ranks: 1, ["reduce"] + sizes).output.split(separator: "\n")
    for files in [[], ["--files", "1"]] {
      let outcome = try probe(
        ranks: ranks, ranksPerHost: ranksPerHost,
        ["split", "--groups", "\(groups)"] + sizes + files)
      let expected = alone.flatMap { Array(repeating: $0, count: groups) }
      #expect(
        outcome.output.split(separator: "\n").sorted() == expected.sorted(),
        "\(outcome.errorOutput)")
    }
  }

  /// The way for hosts on which ranks may not look into each other's /proc.
  @Test func memoryCanBeSharedByFilesThatAreGoneAfterwards() throws {
    func leftOver() throws -> [String] {
      try FileManager.default.contentsOfDirectory(atPath: "/dev/shm").filter {
        $0.hasPrefix("lockstep-")
      }
    }
    let before = try leftOver()
    let outcome = try probe(ranks: 3, ["reduce", "--files", "1", "--leaves", "4"])
    let anonymous = try probe(ranks: 2, ["reduce", "--leaves", "4"])
    #expect(outcome.exitCode == 0, "\(outcome.errorOutput)")
    #expect(outcome.output.split(separator: "\n").count == 2)
    #expect(outcome.output == anonymous.output)
    #expect(try leftOver() == before)
  }

  @Test func askingForMoreMemoryThanThereIsEndsWithOneMessage() throws {
    let outcome = try probe(ranks: 2, ["too-much"])
    #expect(outcome.exitCode == 3)
    let messages = outcome.errorOutput.split(separator: "\n").filter { $0.hasPrefix("lockstep:") }
    #expect(messages.count == 1, "\(outcome.errorOutput)")
    #expect(messages.first?.contains("they need \(2 << 50) more") == true)
  }

  @Test func pretendedHostsAreContiguousRanks() throws {
    let outcome = try probe(ranks: 5, ranksPerHost: 2, ["topology"])
    #expect(outcome.output == "[Range(0..<2), Range(2..<4), Range(4..<5)]\n")
  }

  @Test(arguments: [4, 2, 1])
  func aMismatchEndsTheJobWithOneMessage(ranksPerHost: Int) throws {
    let outcome = try probe(ranks: 4, ranksPerHost: ranksPerHost, ["mismatch"])
    #expect(outcome.exitCode == 3)
    #expect(!outcome.timedOut)
    let messages = outcome.errorOutput.split(separator: "\n").filter { $0.hasPrefix("lockstep:") }
    #expect(messages.count == 1, "\(outcome.errorOutput)")
    #expect(messages.first?.contains("rank 3 called allGather(8 bytes) in step 7") == true)
    #expect(messages.first?.contains("called barrier() in step 7") == true)
  }

  @Test func aRankThatIsDoneTooEarlyIsAMismatch() throws {
    let outcome = try probe(ranks: 2, ["leave"])
    #expect(outcome.exitCode == 3)
    let expected = "rank 1 called finish() in step 5, rank 0 called barrier() in step 5"
    #expect(outcome.errorOutput.contains(expected), "\(outcome.errorOutput)")
  }

  /// When all have come to the end nobody watches any more, and MPI waits for each of them.
  @Test func aRankThatIsStoppedAtTheEndEndsTheJobAfterTheLimit() throws {
    let outcome = try probe(ranks: 2, ["topology", "--stop", "1", "--limit", "2"])
    #expect(outcome.exitCode == 1 && outcome.duration < .seconds(30))
    #expect(
      outcome.errorOutput.contains("communication-probe: the end\n"), "\(outcome.errorOutput)")
  }

  @Test func aFailingRankEndsTheJobAndIsNamed() throws {
    let outcome = try probe(ranks: 3, ["throw"])
    #expect(outcome.exitCode == 3)
    let messages = outcome.errorOutput.split(separator: "\n").filter { $0.hasPrefix("lockstep:") }
    #expect(messages == ["lockstep: rank 2 of 3: out of luck"], "\(outcome.errorOutput)")
  }

  /// Between hosts others have met that rank already, and wait for its messages alone.
  @Test(arguments: [3, 1])
  func aRankThatComputesForLongIsNamedWhereOthersWaitForItsGradient(ranksPerHost: Int) throws {
    let outcome = try probe(ranks: 3, ranksPerHost: ranksPerHost, ["slow-gradient"])
    #expect(outcome.exitCode == 0 && outcome.output == "ok\n", "\(outcome.errorOutput)")
    let notices = outcome.errorOutput.split(separator: "\n").filter { $0.hasPrefix("lockstep:") }
    #expect(!notices.isEmpty)
    for notice in notices {
      #expect(notice.contains("step 4: waiting for"), "\(notice)")
      #expect(notice.contains(" s. rank 2 (host "), "\(notice)")
      #expect(!notice.contains("rank 0 (") && !notice.contains("rank 1 ("), "\(notice)")
    }
  }

  /// MPI waits for it without end, and looks after nobody meanwhile.
  @Test(arguments: [("stop-in-sum", "allReduce(4000 bytes)"), ("stop-in-split", "split()")])
  func aRankThatIsStoppedWhereOthersWaitInsideMPIEndsTheJob(
    command: String, call: String
  ) throws {
    let folder = FileManager.default.temporaryDirectory
      .appendingPathComponent("lockstep-probe-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let outcome = try probe(ranks: 2, [command, "--folder", folder.path])
    #expect(outcome.exitCode == 1, "\(outcome.errorOutput)")
    let notices = outcome.errorOutput.split(separator: "\n").filter { $0.hasPrefix("lockstep:") }
    #expect(!notices.isEmpty)
    for notice in notices {
      #expect(notice.hasPrefix("lockstep: \(call), step 6: waiting for"), "\(notice)")
      #expect(notice.contains("rank 1 (host ") && !notice.contains("rank 0 ("), "\(notice)")
    }
    #expect(notices.last?.contains("is stopped (SIGSTOP)") == true, "\(notices)")
  }

  @Test(arguments: [3, 1])
  func aKilledRankEndsTheJobWithOneMessage(ranksPerHost: Int) throws {
    let outcome = try probe(ranks: 3, ranksPerHost: ranksPerHost, ["die"])
    #expect(outcome.exitCode != 0)
    #expect(!outcome.timedOut)
    // The launcher's own message; Lockstep adds none.
    #expect(outcome.errorOutput.contains("process rank 2"), "\(outcome.errorOutput)")
    #expect(!outcome.errorOutput.contains("lockstep:"), "\(outcome.errorOutput)")
  }
}
