import Foundation
import LockstepSupervision
import Testing

/// The processes of a job are found by its mark, and ended whatever state they are in.
@Suite struct JobProcessesTests {
  /// A process that would wait for a minute, with this mark.
  private func start(mark: String?, rank: Int? = nil) throws -> Process {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = ["sleep", "60"]
    var environment = ProcessInfo.processInfo.environment
    environment[JobProcesses.variable] = mark
    environment["OMPI_COMM_WORLD_RANK"] = rank.map(String.init)
    process.environment = environment
    try process.run()
    return process
  }

  @Test func aJobsProcessesAreFoundAndNobodyElses() throws {
    let job = JobProcesses(mark: UUID().uuidString)
    let rank = try start(mark: job.mark, rank: 3)
    let launcher = try start(mark: job.mark)
    let others = [try start(mark: nil), try start(mark: job.mark + "0")]
    defer { for process in [rank, launcher] + others { process.terminate() } }

    let found = Dictionary(uniqueKeysWithValues: job.members().map { ($0.process, $0.isRank) })
    #expect(found == [rank.processIdentifier: true, launcher.processIdentifier: false])
  }

  @Test func aStoppedRankIsEndedTooAndOthersStay() throws {
    let job = JobProcesses(mark: UUID().uuidString)
    let rank = try start(mark: job.mark, rank: 0)
    let launcher = try start(mark: job.mark)
    let other = try start(mark: nil)
    defer { other.terminate() }
    #expect(kill(rank.processIdentifier, SIGSTOP) == 0)

    #expect(job.end())
    rank.waitUntilExit()
    launcher.waitUntilExit()
    #expect(rank.terminationStatus == SIGKILL && launcher.terminationStatus == SIGKILL)
    #expect(other.isRunning)
    #expect(job.members().isEmpty)
  }

  @Test func whatALauncherThatWasKilledAsItBeganHasLeftIsRemoved() throws {
    let folder = FileManager.default.temporaryDirectory
      .appendingPathComponent("lockstep-job-\(UUID().uuidString)")
    defer { try? FileManager.default.removeItem(at: folder) }
    func make(_ name: String) throws -> String {
      let path = folder.appendingPathComponent(name).path
      try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
      return path
    }
    let (own, others) = (try make("ompi.n1.0/pid.7001"), try make("ompi.n1.0/pid.7002"))
    let alone = try make("ompi.n2.0/pid.7001")
    let job = JobProcesses(mark: UUID().uuidString, temporary: folder.path)
    job.note(launcher: 7001)
    #expect(job.end())
    #expect(!FileManager.default.fileExists(atPath: own))
    #expect(FileManager.default.fileExists(atPath: others))
    // Nor the directory around it, when it is empty.
    #expect(!FileManager.default.fileExists(atPath: alone))
    #expect(
      !FileManager.default.fileExists(atPath: folder.appendingPathComponent("ompi.n2.0").path))
  }

  /// Looks of a supervisor, ten a second for a minute.
  @Test func aHostWithoutRanksIsSearchedOnceASecondAndOneThatComesLateIsSeen() {
    var (searches, ranks) = (0, [Int32]())
    var watch = RankWatch {
      searches += 1
      return ranks
    }
    let begin = ContinuousClock.now
    let lost = (0..<600).filter { watch.look(at: begin + .milliseconds(100 * $0)) }
    #expect(lost == [])
    #expect((60...80).contains(searches), "\(searches)")
    // No process has this number.
    ranks = [Int32.max]
    let late = [61, 61.1].map { watch.look(at: begin + .seconds($0)) }
    #expect(late == [false, true])
  }

  /// Nothing else that a process has mapped is ever removed.
  @Test func whatALauncherLeavesIsToldFromOtherFiles() {
    #expect(
      JobProcesses.removable("/tmp/ompi.n1.0/pid.77/pmix_dstor_ds21_77/smlockseg-1")
        == "/tmp/ompi.n1.0/pid.77")
    #expect(
      JobProcesses.removable("/scratch/ompi.n2.1000/jf.5/0/x") == "/scratch/ompi.n2.1000/jf.5")
    #expect(
      JobProcesses.removable("/dev/shm/vader_segment.n1.0.c7.1")
        == "/dev/shm/vader_segment.n1.0.c7.1")
    for path in [
      "/usr/lib/ompi.so", "/home/ompi.data/train.bin", "/tmp/ompi.n1.0", "/dev/shm/other", "/data",
    ] {
      #expect(JobProcesses.removable(path) == nil)
    }
  }
}
