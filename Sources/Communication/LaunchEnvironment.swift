/// How this process was started, as far as its environment tells before MPI is initialised.
///
/// Sources: Open MPI's mpirun(1) "OMPI_COMM_WORLD_*", PMIx's "PMIX_RANK", Slurm's srun(1).
public struct LaunchEnvironment: Equatable, Sendable {
  public enum Launcher: String, Sendable {
    /// Started plainly: one process, MPI is not used.
    case none
    case openMPI = "Open MPI"
    case pmix = "PMIx"
    case slurm = "Slurm"
  }

  public let launcher: Launcher
  /// The launcher's rank; a communicator may number ranks otherwise. 0 without a launcher.
  public let rank: Int
  /// The number of ranks, where the launcher tells it.
  public let size: Int?
  /// The number of ranks on this host, where the launcher tells it.
  public let localSize: Int?

  /// Whether the launcher has given its processes nothing by which they could find each other.
  public let lacksProcessManagement: Bool

  public var usesMPI: Bool { launcher != .none }

  /// - Parameter environment: Of the process: `ProcessInfo.processInfo.environment`.
  public init(_ environment: [String: String]) {
    func number(_ name: String) -> Int? { environment[name].flatMap { Int($0) } }
    let isManaged = ["OMPI_COMM_WORLD_RANK", "PMIX_RANK", "PMI_RANK"].contains {
      environment[$0] != nil
    }

    if let rank = number("OMPI_COMM_WORLD_RANK") {
      launcher = .openMPI
      self.rank = rank
      size = number("OMPI_COMM_WORLD_SIZE")
      localSize = number("OMPI_COMM_WORLD_LOCAL_SIZE")
    } else if let rank = number("SLURM_PROCID"), number("SLURM_STEP_NUM_TASKS") != nil,
      environment["SLURM_STEP_ID"].map({ $0 != "batch" }) ?? true,
      environment["PMIX_RANK"] != nil || environment["PMI_RANK"] != nil
        || (number("SLURM_STEP_NUM_TASKS") ?? 1) > 1
    {
      launcher = .slurm
      self.rank = rank
      size = number("SLURM_STEP_NUM_TASKS")
      // "2(x3),1": as many tasks on each of three nodes, then one on another.
      let node = number("SLURM_NODEID") ?? 0
      localSize = environment["SLURM_STEP_TASKS_PER_NODE"].flatMap { Self.count($0, onNode: node) }
    } else if let rank = number("PMIX_RANK") {
      launcher = .pmix
      self.rank = rank
      size = nil
      localSize = nil
    } else {
      launcher = .none
      rank = 0
      size = 1
      localSize = 1
    }
    lacksProcessManagement = launcher != .none && !isManaged
  }

  /// The count of one node in Slurm's run-length notation.
  private static func count(_ notation: String, onNode node: Int) -> Int? {
    var first = 0
    for part in notation.split(separator: ",") {
      let pieces = part.split { "(x)".contains($0) }
      guard let count = pieces.first.flatMap({ Int($0) }) else { return nil }
      let nodes = pieces.count > 1 ? Int(pieces[1]) ?? 1 : 1
      if node < first + nodes { return count }
      first += nodes
    }
    return nil
  }
}
