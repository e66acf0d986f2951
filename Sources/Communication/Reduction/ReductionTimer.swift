import LockstepParallelism

/// Times reductions of a gradient of given size: Lockstep's, and MPI's of as many bytes.
package final class ReductionTimer {
  private let communicator: any Communicator
  private let reduction: CanonicalReduction
  private let parameters: SharedParameters
  private let byteCount: Int
  /// What `MPI_Allreduce` sums in place; there is none until then.
  private var vector: MemorySegment?

  /// Allocates gradients and parameters. Collective.
  ///
  /// - Parameters:
  ///   - byteCount: Of one rank's gradient; a multiple of 4.
  ///   - pool: This rank's threads. Default: the caller only.
  /// - Throws: `CommunicationError` when the host has too little memory.
  package init(
    communicator: any Communicator, byteCount: Int, pool: ThreadPool? = nil
  ) throws {
    self.communicator = communicator
    self.byteCount = byteCount
    let elementCount = byteCount / MemoryLayout<Float>.stride
    reduction = try CanonicalReduction(
      communicator: communicator, elementCount: elementCount, leafCount: communicator.size,
      pool: pool)
    parameters = try SharedParameters(communicator: communicator, elementCount: elementCount)
    reduction.leafBuffer.update(repeating: 0)
  }

  /// Bytes that a host with so many ranks needs for a timer, what MPI sums included.
  package static func bytesNeeded(byteCount: Int, localSize: Int) -> Int {
    (2 * localSize + 1) * byteCount
  }

  /// Seconds of one canonical reduction with the norm, and of the meeting that shares the slices.
  /// Collective.
  package func canonical() throws -> Double {
    try time {
      reduction.fold()
      _ = try reduction.reduce()
      try parameters.share()
    }
  }

  /// Seconds of one `MPI_Allreduce`; in one process, of the plain sum in rank order. Collective.
  package func allreduce() throws -> Double {
    let vector =
      try vector ?? MemorySegment(privateByteCount: byteCount, rank: communicator.rank)
    self.vector = vector
    let values = vector.bytes.bindMemory(to: Float.self)
    return try time { try communicator.allReduceSum(values) }
  }

  /// Seconds of an operation that all ranks begin together.
  private func time(_ operation: () throws -> Void) throws -> Double {
    try communicator.barrier()
    return try ContinuousClock.seconds(operation)
  }
}
