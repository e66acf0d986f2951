/// What each rank owns of the parameters, on its way to the other hosts: from the begin of the buffer to its end, as
/// a forward pass needs it.
///
/// Each rank sends its parts to one rank of each other host, chunk by chunk, several of which are under way.
final class PartExchange {
  /// Elements of a chunk: 1 MiB.
  private static let chunk = 4 * SlicePartition.blockSize
  /// Chunks that are under way.
  private static let depth = 8

  private let communicator: any Communicator
  private let values: UnsafeMutableBufferPointer<Float>
  /// To whom this rank sends what it owns.
  private let receivers: [Int]
  private let outgoing: [Range<Int>]
  /// The ranks of other hosts that this one receives from for its host, and what.
  private let incoming: [(owner: Int, chunks: [Range<Int>])]
  private let roundCount: Int
  private let batches: [MessageBatch]
  private var begun = 0
  private var completed = 0

  /// - Parameter values: Of the host, [P].
  init(
    communicator: any Communicator, values: UnsafeMutableBufferPointer<Float>,
    partition: SlicePartition
  ) {
    let topology = communicator.topology
    self.communicator = communicator
    self.values = values
    receivers = topology.hosts.indices.filter { $0 != topology.hostIndex }.map {
      topology.counterpart(of: topology.rank, onHost: $0)
    }
    outgoing = partition.chunks(of: topology.rank, size: Self.chunk)
    incoming = (0..<topology.size).filter {
      !topology.hostRanks.contains($0)
        && topology.counterpart(of: $0, onHost: topology.hostIndex) == topology.rank
    }.map { ($0, partition.chunks(of: $0, size: Self.chunk)) }
    roundCount = ([outgoing.count] + incoming.map(\.chunks.count)).max() ?? 0
    batches = (0..<Self.depth).map { _ in MessageBatch() }
  }

  private func bytes(_ elements: Range<Int>) -> UnsafeMutableRawBufferPointer {
    UnsafeMutableRawBufferPointer(UnsafeMutableBufferPointer(rebasing: values[elements]))
  }

  /// Makes ready for the next exchange, when all ranks have updated what they own.
  func begin() { (begun, completed) = (0, 0) }

  var isComplete: Bool { completed == roundCount }

  /// The first element that this rank has not received yet; P where it has all.
  var firstMissing: Int {
    incoming.compactMap { completed < $0.chunks.count ? $0.chunks[completed].lowerBound : nil }
      .min() ?? values.count
  }

  /// The ranks whose messages are under way.
  var awaited: [Int] {
    Set(batches.filter(\.isUnderWay).flatMap { $0.messages.map(\.peer) }).sorted()
  }

  /// Goes on until everything has come and gone, or it is to stop.
  ///
  /// - Parameters:
  ///   - besideWork: Whether another thread of this rank computes meanwhile: see `Communicator.pause`.
  ///   - isToStop: Asked between two rounds.
  ///   - report: Told of `firstMissing` whenever something has come.
  func run(
    besideWork: Bool, until isToStop: () -> Bool, reporting report: (_ firstMissing: Int) -> Void
  ) throws {
    let initial = besideWork ? Patience.napping : Patience()
    var patience = initial
    while !isComplete, !isToStop() {
      if begun < min(roundCount, completed + batches.count) {
        try start(begun)
        begun += 1
      } else if try communicator.progress(batches[completed % batches.count]) {
        completed += 1
        report(firstMissing)
      } else {
        try communicator.pause(&patience, besideWork: besideWork, waitingFor: awaited)
        continue
      }
      patience = initial
    }
  }

  private func start(_ round: Int) throws {
    let batch = batches[round % batches.count]
    batch.removeAll()
    for (owner, chunks) in incoming where round < chunks.count {
      batch.receive(into: bytes(chunks[round]), from: owner)
    }
    if round < outgoing.count {
      for receiver in receivers {
        batch.send(UnsafeRawBufferPointer(bytes(outgoing[round])), to: receiver)
      }
    }
    try communicator.start(batch)
  }
}
