import LockstepTraining

/// The command line that starts a training on some hosts.
package struct TrainingCommand: Equatable {
  /// Where ranks are started.
  package enum Placement: Equatable {
    /// So many on this machine; one is started without MPI.
    case here(ranks: Int)
    /// On hosts, rank zero on the first.
    case hosts([HostSlots])

    var ranks: Int {
      switch self {
      case .here(let ranks): ranks
      case .hosts(let hosts): hosts.reduce(0) { $0 + $1.slots }
      }
    }
  }

  /// The program that runs now: it is at the same path on every host.
  let program: String
  /// What follows `lockstep train`.
  let arguments: [String]
  /// The most ranks that the run can have: its micro-batches of a step, or its clients.
  let rankLimit: Int
  /// Cores that each rank is bound to; nil: ranks are not bound.
  let threads: Int?

  package init(program: String, arguments: [String], rankLimit: Int, threads: Int?) {
    self.program = program
    self.arguments = arguments
    self.rankLimit = rankLimit
    self.threads = threads
  }

  /// The most ranks that are started, of what the hosts take.
  package func ranks(on placement: Placement) -> Int { min(rankLimit, placement.ranks) }

  /// The launcher, without its explanations: what happened is said by the supervisor.
  private let mpirun = ["mpirun", "--quiet"]

  /// - Parameter resume: Whether the run is there and goes on.
  package func words(on placement: Placement, resume: Bool) -> [String] {
    var words: [String] = []
    let ranks = ranks(on: placement)
    switch placement {
    case .here(let asked):
      if asked > 1 {
        words = mpirun + here(ranks) + ["-np", "\(ranks)"] + binding(mayOutnumber: true)
      }
    case .hosts(let hosts):
      let list = hosts.map { "\($0.name):\($0.slots)" }.joined(separator: ",")
      words = mpirun + ["--host", list, "-np", "\(ranks)"] + binding(mayOutnumber: false)
    }
    if !words.isEmpty {
      let passed = ["OPENBLAS_NUM_THREADS", JobProcesses.variable, StartLimit.variable]
      words += passed.flatMap { ["-x", $0] }
    }
    words += [program, "train"]
    // Before the user's own: of two that set a key the later one holds.
    if let threads { words += ["--set", "threads=\(threads)"] }
    words += arguments
    if resume { words.append("--resume") }
    return words
  }

  /// Ranks on this machine alone: in a job of Slurm or another system `mpirun` would take the job's hosts.
  private func here(_ ranks: Int) -> [String] {
    ["--mca", "ras", "^slurm,tm,lsf,gridengine", "--host", "localhost:\(ranks)"]
  }

  /// - Parameter mayOutnumber: Whether there may be more ranks than cores.
  private func binding(mayOutnumber: Bool) -> [String] {
    if let threads { return ["--map-by", "slot:PE=\(threads)", "--bind-to", "core"] }
    return (mayOutnumber ? ["--oversubscribe"] : []) + ["--bind-to", "none"]
  }
}

extension TrainingCommand.Placement {
  /// " on n1, n2"; nothing where ranks are here.
  var names: String {
    guard case .hosts(let hosts) = self else { return "" }
    return " on " + hosts.map(\.name).joined(separator: ", ")
  }

  func uses(_ host: String) -> Bool {
    guard case .hosts(let hosts) = self else { return false }
    return hosts.contains { $0.name == host }
  }
}
