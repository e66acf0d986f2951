import Communication
import TestSupport

/// Times the shared-memory reduction against MPI_Allreduce, alternately, and prints medians.
struct Bandwidth {
  let communicator: any Communicator
  let byteCount: Int
  let repetitions: Int

  init(_ communicator: any Communicator, _ options: ProbeOptions) {
    self.communicator = communicator
    byteCount = options.number("bytes") ?? 16 << 20
    repetitions = options.number("repetitions") ?? 15
  }

  func run() throws {
    let elementCount = byteCount / 4
    let canonical = try CanonicalReduction(
      communicator: communicator, elementCount: elementCount, leafCount: communicator.size)
    let plain = try AllreduceReduction(
      communicator: communicator, elementCount: elementCount, leafCount: communicator.size)
    let parameters = try SharedParameters(communicator: communicator, elementCount: elementCount)
    canonical.leafBuffer.update(repeating: 1)
    plain.leafBuffer.update(repeating: 1)
    var vector = [Float](repeating: 1, count: elementCount)
    var times: [[Double]] = [[], [], []]
    for _ in 0..<repetitions {
      times[0].append(try time { _ = try reduceAndShare(canonical, parameters) })
      let sum = try time {
        try vector.withUnsafeMutableBufferPointer { try communicator.allReduceSum($0) }
      }
      times[1].append(sum)
      times[2].append(try time { _ = try reduceAndShare(plain, nil) })
    }
    guard communicator.isRankZero else { return }
    let medians = times.map { $0.sorted()[$0.count / 2] * 1e6 }
    print(
      """
      \(byteCount) bytes: canonical reduce + share \(medians[0]) µs, MPI_Allreduce \(medians[1]) µs \
      (\(medians[1] / medians[0]) times), allreduce with norm \(medians[2]) µs
      """)
  }

  private func reduceAndShare(
    _ reduction: some GradientReduction, _ parameters: SharedParameters?
  ) throws -> Double {
    reduction.fold(scalars: [])
    let norm = try reduction.reduce().squaredNorm
    try parameters?.share()
    return norm
  }

  /// Seconds of an operation that all ranks begin together.
  private func time(_ operation: () throws -> Void) throws -> Double {
    try communicator.barrier()
    let start = ContinuousClock.now
    try operation()
    return start.duration(to: .now) / .seconds(1)
  }
}
