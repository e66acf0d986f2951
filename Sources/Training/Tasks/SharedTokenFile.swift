import LockstepCommunication
import LockstepDatasets

/// Opens rank zero's token file on every rank, wherever the others are.
package enum SharedTokenFile {
  /// Bytes that travel at a time.
  private static let chunkByteCount = 16 << 20

  /// Collective.
  ///
  /// - Parameter lookUp: Finds the file on this rank's own host, where it is there.
  /// - Throws: `AgreedError` with the `TokenFileError` of rank zero.
  package static func open(
    _ path: String, communicator: any Communicator,
    lookUp: (String) -> TokenFile? = { try? TokenFile(path: $0) }
  ) throws -> TokenFile {
    var original: TokenFile?
    let fingerprint = try communicator.fromRankZero {
      let file = try TokenFile(path: path)
      original = file
      return file.fingerprint
    }
    let own = original ?? lookUp(path)
    let isSame = own?.fingerprint == fingerprint
    let answers = try communicator.allGather([isSame ? 0 : 1])
    let lacking = answers.indices.filter { answers[$0] != [0] }
    if lacking.isEmpty, let own { return own }
    return try copy(own, lacking: Set(lacking), path: path, communicator: communicator)
  }

  /// Sends rank zero's file to the hosts where some rank lacks it; those view it in shared memory.
  private static func copy(
    _ own: TokenFile?, lacking: Set<Int>, path: String, communicator: any Communicator
  ) throws -> TokenFile {
    let topology = communicator.topology
    let size = Int(
      try communicator.allGather([Double(communicator.isRankZero ? own?.byteCount ?? 0 : 0)])[0][0])
    let hostLacks = topology.hostRanks.contains(where: lacking.contains)
    let memory = try communicator.allocateShared(
      byteCount: hostLacks && topology.isLeader ? size : 0)
    var chunk = [UInt8](repeating: 0, count: min(size, chunkByteCount))
    for start in stride(from: 0, to: size, by: chunkByteCount) {
      let count = min(chunkByteCount, size - start)
      try chunk.withUnsafeMutableBytes { bytes in
        let part = UnsafeMutableRawBufferPointer(rebasing: bytes[..<count])
        if communicator.isRankZero { own?.copyBytes(start..<start + count, into: part) }
        try communicator.broadcast(part, from: 0)
        guard hostLacks && topology.isLeader else { return }
        UnsafeMutableRawBufferPointer(rebasing: memory.segments[0][start..<start + count])
          .copyMemory(from: UnsafeRawBufferPointer(part))
      }
    }
    try communicator.barrier()
    return try communicator.agree {
      if !hostLacks, let own { return own }
      return try TokenFile(
        path: path, bytes: UnsafeRawBufferPointer(memory.segments[0]), owner: memory)
    }
  }
}
