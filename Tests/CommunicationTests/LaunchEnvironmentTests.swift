import LockstepCommunication
import Testing

@Suite struct LaunchEnvironmentTests {
  @Test func aPlainStartIsASingleRank() {
    let launch = LaunchEnvironment(["PATH": "/usr/bin"])
    #expect(!launch.usesMPI)
    #expect(launch.rank == 0)
    #expect(launch.size == 1)
  }

  @Test func openMPITellsRankAndSizes() {
    let launch = LaunchEnvironment([
      "OMPI_COMM_WORLD_RANK": "3", "OMPI_COMM_WORLD_SIZE": "8", "OMPI_COMM_WORLD_LOCAL_SIZE": "4",
      "PMIX_RANK": "3",
    ])
    #expect(launch.launcher == .openMPI)
    #expect(launch.rank == 3)
    #expect(launch.size == 8)
    #expect(launch.localSize == 4)
  }

  @Test(arguments: [("0", 2), ("2", 2), ("3", 1)])
  func slurmTellsTasksOfEachNode(node: String, localSize: Int) {
    let launch = LaunchEnvironment([
      "SLURM_PROCID": "5", "SLURM_STEP_NUM_TASKS": "7", "SLURM_STEP_TASKS_PER_NODE": "2(x3),1",
      "SLURM_NODEID": node, "PMIX_RANK": "5",
    ])
    #expect(launch.launcher == .slurm)
    #expect(launch.size == 7)
    #expect(launch.localSize == localSize)
  }

  @Test func aBatchScriptOfSlurmIsAPlainStart() {
    let launch = LaunchEnvironment([
      "SLURM_PROCID": "0", "SLURM_NTASKS": "8", "SLURM_JOB_ID": "17",
    ])
    #expect(!launch.usesMPI)
  }

  /// `srun` without `--mpi=pmix` starts tasks that can not find each other.
  @Test func tasksWithoutAProcessManagerAreTold() {
    let step = [
      "SLURM_PROCID": "1", "SLURM_STEP_NUM_TASKS": "2", "SLURM_STEP_ID": "0",
      "SLURM_STEP_TASKS_PER_NODE": "1(x2)", "SLURM_NODEID": "1",
    ]
    let alone = LaunchEnvironment(step)
    #expect(alone.launcher == .slurm && alone.lacksProcessManagement)
    #expect(alone.rank == 1 && alone.size == 2)
    #expect(!LaunchEnvironment(step.merging(["PMIX_RANK": "1"]) { $1 }).lacksProcessManagement)
    #expect(!LaunchEnvironment([:]).lacksProcessManagement)
    // One task needs nobody.
    #expect(!LaunchEnvironment(step.merging(["SLURM_STEP_NUM_TASKS": "1"]) { $1 }).usesMPI)
  }
}
