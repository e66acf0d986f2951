#if MPI
  import CLockstepMPI
  import LockstepCommunication
  import LockstepFiles

  #if canImport(Glibc)
    import Glibc
  #endif

  /// A rank that is a process: messages by MPI, memory by segments that peers map.
  final class MPITransport: Transport {
    let topology: Topology
    private let world: CMPI_Communicator
    /// The process of each rank of the host, or none where they can not be watched.
    private var peerProcesses: [Int32] = []
    private let segments: ProcessSegments

    /// How long a rank waits before it looks after its peers, and how long the launcher then has to
    /// end the job in its own way before this rank does.
    private static let patience: Duration = .seconds(1)
    private static let launcherGrace: Duration = .seconds(4)
    private var lossNoticed: ContinuousClock.Instant?

    /// - Parameters:
    ///   - world: All ranks of the group, ordered so that those of a host are contiguous.
    ///   - segmentsAreFiles: Share memory by files in /dev/shm from the beginning.
    init(world: CMPI_Communicator, topology: Topology, segmentsAreFiles: Bool) {
      self.world = world
      self.topology = topology
      segments = ProcessSegments(rank: topology.rank, areFiles: segmentsAreFiles)
    }

    /// Throws MPI's code as an error.
    func check(_ code: Int32, _ operation: String) throws {
      guard code != 0 else { return }
      throw CommunicationError(mpiCode: code, operation: operation, rank: topology.rank)
    }

    // MARK: Set-up

    /// Makes the board of this host; all its ranks call it, before there is anything else to meet by.
    func makeBoard(over host: CMPI_Communicator) throws -> MemorySegment {
      let byteCount = Board.byteCount(for: topology)
      // A peer that may not look into /proc can still open a file.
      if let board = try makeBoard(over: host, byteCount: byteCount) { return board }
      segments.areFiles = true
      if let board = try makeBoard(over: host, byteCount: byteCount) { return board }
      throw CommunicationError.sharedMemory(
        operation: "share", byteCount: byteCount, code: Int(EACCES), rank: topology.rank,
        freeBytes: HostMemory.sharedFree)
    }

    /// The board, or nil if one of the host's ranks could not make or open it.
    private func makeBoard(
      over host: CMPI_Communicator, byteCount: Int
    ) throws -> MemorySegment? {
      let made = topology.isLeader ? try? makeSegment(byteCount: byteCount) : nil
      var board = made?.segment
      let names = try allGather(made?.name ?? [0, 0, 0], over: host)
      if !topology.isLeader, names[0][0] > 0 { board = try? openSegment(named: names[0]) }
      let answers = try allGather([board == nil ? 0 : 1, UInt64(getpid())], over: host)
      forgetNames()
      guard answers.allSatisfy({ $0[0] == 1 }) else { return nil }
      // In process namespaces of their own, ranks do not know each other by number.
      let processes = answers.map { Int32($0[1]) }
      let areVisible = processes.allSatisfy { kill($0, 0) == 0 }
      let allVisible = try allGather([areVisible ? 1 : 0], over: host).allSatisfy { $0[0] == 1 }
      peerProcesses = allVisible ? processes : []
      return board
    }

    /// Whether this host's processes know each other by number.
    var processesAreVisible: Bool { !peerProcesses.isEmpty }

    /// The words of all ranks, as many of each, one rank's after the other's.
    func allGather(_ words: [UInt64]) throws -> [UInt64] {
      var all = [UInt64](repeating: 0, count: words.count * topology.size)
      let code = all.withUnsafeMutableBytes { all in
        words.withUnsafeBytes { words in
          CMPI_allGather(world, words.baseAddress, Int64(words.count), all.baseAddress)
        }
      }
      try check(code, "MPI_Allgather")
      return all
    }

    private func allGather(_ words: [UInt64], over host: CMPI_Communicator) throws -> [[UInt64]] {
      let count = words.count
      var all = [UInt64](repeating: 0, count: count * topology.localSize)
      let code = all.withUnsafeMutableBytes { all in
        words.withUnsafeBytes { words in
          CMPI_allGather(host, words.baseAddress, Int64(words.count), all.baseAddress)
        }
      }
      try check(code, "MPI_Allgather")
      return (0..<topology.localSize).map { Array(all[$0 * count..<($0 + 1) * count]) }
    }

    func split(color: Int, members: [Int], topology part: Topology) throws -> any Transport {
      var communicator = CMPI_Communicator()
      try check(
        CMPI_split(world, Int32(color), Int32(topology.rank), &communicator), "MPI_Comm_split")
      let transport = MPITransport(
        world: communicator, topology: part, segmentsAreFiles: segments.areFiles)
      if !peerProcesses.isEmpty {
        transport.peerProcesses = members.filter(topology.hostRanks.contains).map {
          peerProcesses[$0 - topology.leader]
        }
      }
      // Files that share memory are named by process and number. Those of this group have been
      // removed when its part makes some, and the other way round: the numbers need not differ.
      return transport
    }

    // MARK: Messages

    func start(_ batch: MessageBatch) throws {
      batch.tickets.removeAll(keepingCapacity: true)
      for message in batch.messages {
        let first = batch.tickets.count
        let count = Int(CMPI_requestCount(Int64(message.byteCount)))
        batch.tickets.append(contentsOf: repeatElement(0, count: count))
        let code = batch.tickets.withUnsafeMutableBufferPointer { requests -> Int32 in
          let requests = requests.baseAddress.map { $0 + first }
          switch message.direction {
          case .send:
            return CMPI_startSend(
              world, message.bytes, Int64(message.byteCount), Int32(message.peer), requests)
          case .receive:
            return CMPI_startReceive(
              world, message.bytes, Int64(message.byteCount), Int32(message.peer), requests)
          }
        }
        try check(code, message.direction == .send ? "MPI_Isend" : "MPI_Irecv")
      }
    }

    func progress(_ batch: MessageBatch) throws -> Bool {
      if batch.tickets.isEmpty { return true }
      var isFinished: Int32 = 0
      let code = batch.tickets.withUnsafeMutableBufferPointer { requests in
        CMPI_test(requests.baseAddress, Int64(requests.count), &isFinished)
      }
      try check(code, "MPI_Testall")
      return isFinished != 0
    }

    // MARK: Memory

    var availableMemory: Int? { HostMemory.available }

    func makeSegment(byteCount: Int) throws -> (segment: MemorySegment, name: [UInt64]) {
      try segments.make(byteCount: byteCount)
    }

    func openSegment(named name: [UInt64]) throws -> MemorySegment {
      try segments.open(named: name)
    }

    func forgetNames() { segments.forgetNames() }

    // MARK: Sum and end

    func allReduceSum(
      _ values: UnsafeMutableBufferPointer<Float>, barrier: () throws -> Void
    ) throws {
      try check(
        CMPI_allReduceSum(world, values.baseAddress, Int64(values.count)), "MPI_Allreduce")
    }

    func checkPeers(waited: Duration, step: Int, call: CollectiveCall) throws {
      guard waited > Self.patience else { return }
      for (localRank, process) in peerProcesses.enumerated() {
        guard kill(process, 0) != 0, errno == ESRCH else { continue }
        // mpirun says itself which rank was lost, and ends the others within milliseconds. One
        // message is enough: this one is for launchers that do not.
        let now = ContinuousClock.now
        let noticed = lossNoticed ?? now
        lossNoticed = noticed
        guard noticed.duration(to: now) > Self.launcherGrace else { return }
        throw CommunicationError.lostPeer(
          rank: topology.leader + localRank, processID: Int(process), step: step, call: call)
      }
    }

    func abort(because error: any Error, exitCode: Int32, isReporter: Bool) {
      // The leader of the first host speaks first; an error that all hosts see is told once.
      if isReporter {
        if topology.hostIndex > 0 { sleep(1) }
        let report = Self.report(of: error, rank: topology.rank, size: topology.size)
        let line = "lockstep: \(report)\n".visible
        _ = line.withCString { write(STDERR_FILENO, $0, strlen($0)) }
        CMPI_abort(exitCode)
      } else {
        // The rank that reports ends this process, too.
        sleep(10)
      }
      _exit(exitCode)
    }

    private static func report(of error: any Error, rank: Int, size: Int) -> String {
      // Errors between ranks name their ranks; others do not know where they happened.
      if error is CommunicationError { return "\(error)" }
      return "rank \(rank) of \(size): \(error)"
    }
  }
#endif
