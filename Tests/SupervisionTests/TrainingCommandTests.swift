import LockstepSupervision
import LockstepTraining
import Testing

/// What is started, and how it gets to other hosts.
@Suite struct TrainingCommandTests {
  private func words(
    on placement: TrainingCommand.Placement, limit: Int = 8, threads: Int? = nil,
    resume: Bool = false
  ) -> String {
    TrainingCommand(
      program: "/opt/lockstep", arguments: ["run.yaml", "--output", "out"], rankLimit: limit,
      threads: threads
    ).words(on: placement, resume: resume).joined(separator: " ")
  }

  private let marks =
    "-x OPENBLAS_NUM_THREADS -x LOCKSTEP_JOB -x LOCKSTEP_START_LIMIT /opt/lockstep train"

  @Test func oneRankHereIsOneProcess() {
    #expect(words(on: .here(ranks: 1)) == "/opt/lockstep train run.yaml --output out")
  }

  @Test func severalRanksHereMayOutnumberCores() {
    #expect(
      words(on: .here(ranks: 3), resume: true)
        == "mpirun --quiet --mca ras ^slurm,tm,lsf,gridengine --host localhost:3 -np 3 --oversubscribe --bind-to none "
        + "\(marks) run.yaml --output out --resume")
  }

  /// Of two that set a key the later one holds, and the user's is later.
  @Test func hostsAreNamedWithTheirSlotsAndThreadsAreBound() {
    let hosts = [HostSlots(name: "a", slots: 2), HostSlots(name: "b", slots: 1)]
    #expect(
      words(on: .hosts(hosts), threads: 4)
        == "mpirun --quiet --host a:2,b:1 -np 3 --map-by slot:PE=4 --bind-to core \(marks) "
        + "--set threads=4 run.yaml --output out")
  }

  @Test func thereAreNoMoreRanksThanMicrobatches() {
    let hosts = (1...6).map { HostSlots(name: "n\($0)", slots: 4) }
    #expect(words(on: .hosts(hosts), limit: 9).contains(" -np 9 "))
  }

  @Test func aFederatedRunHasNoMoreRanksThanClients() {
    var plan = Plan()
    plan.federated.clients = 3
    for microbatches in [1, 8] {
      plan.batch.microbatches = microbatches
      #expect(words(on: .here(ranks: 8), limit: plan.rankLimit).contains(" -np 3 "))
    }
  }

  @Test func aCommandReachesAHostBySSHOrOpenMPIsAgentOrSlurm() {
    // An accent makes one character of itself and the quote before it.
    let words = ["/opt/lock step", "it's", "'\u{301}"]
    let quoted = #"'/opt/lock step' 'it'\''s' ''\'"# + "'\u{301}'"
    let plain = RemoteShell(environment: [:]).command(words, on: "n1")
    #expect(plain.first == "ssh" && plain.contains("BatchMode=yes"))
    #expect(plain.suffix(2) == ["n1", quoted])
    #expect(
      RemoteShell(environment: ["OMPI_MCA_plm_rsh_agent": "my-agent -v", "SLURM_JOB_ID": "7"])
        .command(words, on: "n1") == ["my-agent", "-v", "n1", quoted])
    #expect(
      RemoteShell(environment: ["OMPI_MCA_plm_rsh_args": "-p 2222"]).command(["true"], on: "n1")
        .suffix(4) == ["-p", "2222", "n1", "'true'"])
    let slurm = RemoteShell(environment: ["SLURM_JOB_ID": "7"]).command(words, on: "n1")
    #expect(slurm.first == "srun" && slurm.suffix(4) == ["n1"] + words)
  }
}
