#if MPI
  import CLockstepMPI
  import Foundation
  import LockstepCommunication

  extension CommunicationError {
    /// The error of an MPI call, with MPI's own text.
    init(mpiCode code: Int32, operation: String, rank: Int) {
      var text = [CChar](repeating: 0, count: 512)
      CMPI_describe(code, &text, Int64(text.count))
      let bytes = text.prefix { $0 != 0 }.map(UInt8.init(bitPattern:))
      self = .mpi(
        operation: operation, code: Int(code), message: String(decoding: bytes, as: UTF8.self),
        rank: rank)
    }
  }

  /// MPI in this process, from its initialisation to its end.
  ///
  /// ```swift
  /// let session = try MPISession()
  /// do {
  ///   try train(session.communicator)
  ///   try session.finish()
  /// } catch {
  ///   session.communicator.abort(because: error, exitCode: 1)
  /// }
  /// ```
  public final class MPISession: CommunicationSession {
    /// All ranks of the job. Those of a host are contiguous; rank 0 is the launcher's rank 0.
    public let communicator: any Communicator
    private let launcher: LaunchEnvironment.Launcher

    /// Initialises MPI, finds out which ranks share a host, and numbers the ranks anew so that each host's
    /// are contiguous. Collective over all processes of the job; once in a process.
    ///
    /// Any one thread at a time may use the communicator (MPI_THREAD_SERIALIZED).
    ///
    /// - Parameter ranksPerHost: Pretends that each so many ranks of a host are a host of their own,
    ///   between which only messages travel: for tests. Default: hosts as they are.
    /// - Throws: `CommunicationError.mpi` or `.sharedMemory`.
    public convenience init(ranksPerHost: Int? = nil) throws {
      try self.init(ranksPerHost: ranksPerHost, segmentsAreFiles: false)
    }

    /// - Parameter segmentsAreFiles: Share memory by files in /dev/shm even where anonymous memory can
    ///   be shared: for tests of that way.
    package init(ranksPerHost: Int?, segmentsAreFiles: Bool) throws {
      // MPI adds to the environment what its launcher did not say.
      launcher = LaunchEnvironment(ProcessInfo.processInfo.environment).launcher
      var threadLevelSuffices: Int32 = 0
      try Self.check(CMPI_initialize(&threadLevelSuffices), "MPI_Init_thread")
      guard threadLevelSuffices != 0 else {
        throw CommunicationError.mpi(
          operation: "MPI_Init_thread", code: 0,
          message: "this MPI was built without MPI_THREAD_SERIALIZED", rank: 0)
      }
      var launched = CMPI_Communicator()
      try Self.check(CMPI_duplicateWorld(&launched), "MPI_Comm_dup")
      let placement = try Placement(launched: launched, ranksPerHost: ranksPerHost)

      var world = CMPI_Communicator()
      var host = CMPI_Communicator()
      let key = Int32(placement.topology.rank)
      try Self.check(CMPI_split(launched, 0, key, &world), "MPI_Comm_split")
      try Self.check(
        CMPI_split(world, Int32(placement.topology.hostIndex), key, &host), "MPI_Comm_split")
      let transport = MPITransport(
        world: world, topology: placement.topology, segmentsAreFiles: segmentsAreFiles)
      let board = try transport.makeBoard(over: host)
      try Self.check(CMPI_free(&host), "MPI_Comm_free")
      try Self.check(CMPI_free(&launched), "MPI_Comm_free")
      let group = GroupCommunicator(transport: transport, boardMemory: board)
      communicator = group
      guard placement.topology.size > 1 else { return }
      group.begin(
        try ProcessWatch(
          communicator: group, processesAreVisible: transport.processesAreVisible,
          gather: transport.allGather, terminate: { CMPI_abort(1) }))
    }

    /// Ends MPI when all ranks have come here. Collective, and the last one.
    public func finish(whenAllHaveCome beginEnd: () -> Void) throws {
      try communicator.meet(CollectiveCall(.finish))
      communicator.watch?.stop()
      beginEnd()
      try Self.check(CMPI_finalize(), "MPI_Finalize")
    }

    public func finish(exitCode: Int32, whenAllHaveCome beginEnd: () -> Void) throws {
      // Of a process that ends with another code than 0 mpirun tells in two paragraphs, of one that
      // gives the job up after this in none.
      guard launcher == .openMPI, communicator.size > 1 else {
        return try finish(whenAllHaveCome: beginEnd)
      }
      try communicator.meet(CollectiveCall(.finish))
      communicator.watch?.stop()
      fflush(nil)
      if communicator.isRankZero { CMPI_abort(exitCode) } else { sleep(10) }
      _exit(exitCode)
    }

    /// The name and version of the library, e.g. "Open MPI v4.1.4".
    public static var libraryVersion: String {
      var text = [CChar](repeating: 0, count: 512)
      CMPI_libraryVersion(&text, Int64(text.count))
      let bytes = text.prefix { $0 != 0 && $0 != CChar(UInt8(ascii: ",")) }
      return String(decoding: bytes.map(UInt8.init(bitPattern:)), as: UTF8.self)
    }

    fileprivate static func check(_ code: Int32, _ operation: String, rank: Int = 0) throws {
      guard code != 0 else { return }
      throw CommunicationError(mpiCode: code, operation: operation, rank: rank)
    }
  }

  /// Where this process comes to be when ranks are ordered by host.
  private struct Placement {
    let topology: Topology

    /// Collective over `launched`, which orders ranks as the launcher did.
    init(launched: CMPI_Communicator, ranksPerHost: Int?) throws {
      var host = CMPI_Communicator()
      var (rank, size, localRank) = (Int32(0), Int32(0), Int32(0))
      try MPISession.check(CMPI_rank(launched, &rank), "MPI_Comm_rank")
      try MPISession.check(CMPI_size(launched, &size), "MPI_Comm_size")
      try MPISession.check(CMPI_splitByHost(launched, &host), "MPI_Comm_split_type")
      try MPISession.check(CMPI_rank(host, &localRank), "MPI_Comm_rank")
      var localSize: Int32 = 0
      try MPISession.check(CMPI_size(host, &localSize), "MPI_Comm_size")

      // Everyone learns every rank's host, named by the launched rank of its first process.
      var hostRanks = [Int32](repeating: 0, count: Int(localSize))
      try MPISession.check(
        CMPI_allGather(host, &rank, Int64(MemoryLayout<Int32>.size), &hostRanks), "MPI_Allgather")
      var hostName = hostRanks[0]
      var hostNames = [Int32](repeating: 0, count: Int(size))
      try MPISession.check(
        CMPI_allGather(launched, &hostName, Int64(MemoryLayout<Int32>.size), &hostNames),
        "MPI_Allgather")
      try MPISession.check(CMPI_free(&host), "MPI_Comm_free")

      topology = Self.topology(
        hostNames: hostNames.map(Int.init), launchedRank: Int(rank), ranksPerHost: ranksPerHost)
    }

    /// Orders ranks by host, then as launched, and cuts each host into parts of `ranksPerHost`.
    private static func topology(
      hostNames: [Int], launchedRank: Int, ranksPerHost: Int?
    ) -> Topology {
      let order = hostNames.indices.sorted { (hostNames[$0], $0) < (hostNames[$1], $1) }
      var hosts: [Range<Int>] = []
      var start = 0
      for place in 1...order.count {
        let isBorder =
          place == order.count || hostNames[order[place]] != hostNames[order[place - 1]]
          || place - start == ranksPerHost
        guard isBorder else { continue }
        hosts.append(start..<place)
        start = place
      }
      return Topology(hosts: hosts, rank: order.firstIndex(of: launchedRank) ?? 0)
    }
  }
#endif
