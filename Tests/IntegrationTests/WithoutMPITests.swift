import Foundation
import TestSupport
import Testing

/// Programs that do not know MPI, under a launcher: each of its processes would train by itself.
@Suite(.serialized) struct WithoutMPITests {
  private let folder = FileManager.default.temporaryDirectory

  /// Starts a program as Open MPI would start one of two ranks.
  private func start(
    _ program: String, _ arguments: [String] = [], asRank rank: Int
  ) throws -> RunningCommand.Ending {
    try RunningCommand(
      ["OMPI_COMM_WORLD_RANK=\(rank)", "OMPI_COMM_WORLD_SIZE=2", MPIRunner.product(program).path]
        + arguments, in: folder, timeout: .seconds(60)
    ).wait()
  }

  @Test func aProgramWithoutMPIRefusesALauncherAndOneRankSaysWhy() throws {
    let first = try start("own-model", asRank: 0)
    #expect(first.exitCode == 2)
    #expect(first.output == "")
    #expect(
      first.errorOutput == """
        own-model: Open MPI started this program as rank 0 of 2, but it has no MPI. Start it without \
        a launcher, or let it say Launch.run(over: .mpi), of the module LockstepMPICommunication.

        """)
    let second = try start("own-model", asRank: 1)
    #expect(second.exitCode == 2)
    #expect(second.output == "" && second.errorOutput == "")
  }

  @Test(.enabled(if: !MPIRunner.isBuiltWithMPI, "this build has the package trait MPI"))
  func theCommandBuiltWithoutMPINamesTheTrait() throws {
    let launched = try start("lockstep", ["doctor"], asRank: 0)
    #expect(launched.exitCode == 2)
    #expect(launched.errorOutput.contains("as rank 0 of 2, but it has no MPI. Lockstep was built"))
    #expect(launched.errorOutput.contains("the package trait MPI"))
    let alone = try MPIRunner.runAlone("lockstep", ["doctor"])
    #expect(alone.exitCode == 0, "\(alone.errorOutput)")
    #expect(alone.output.contains("\nMPI          none\n"))
  }
}
