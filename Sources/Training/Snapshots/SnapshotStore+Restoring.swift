import Foundation
import LockstepCheckpoints
import LockstepCommunication
import LockstepFiles
import LockstepOptimization

extension SnapshotStore {
  /// Takes in what this host keeps, and tells the others. Collective.
  func take(_ segments: [KeptSegment]) throws {
    found = segments.map { ($0, SnapshotShard($0.memory)) }.filter { $0.1.belongs(to: key) }
    let topology = communicator.topology
    let mine = found.flatMap { $0.shard.summary?.words ?? [] }
    let all = try fromLeaders(
      mine.flatMap { word in (0..<8).map { UInt8(truncatingIfNeeded: word >> (8 * $0)) } })
    inventory = SnapshotInventory(
      all.map { bytes in
        let words = stride(from: 0, to: bytes.count, by: 8).map { start in
          (0..<8).reduce(UInt64(0)) { $0 | UInt64(bytes[start + $1]) << (8 * $1) }
        }
        return ShardSummary.all(of: words)
      })
    precondition(all.count == topology.hostCount, "a host has not told what it keeps")
  }

  /// The bytes of each host's leader, on all ranks. Collective.
  private func fromLeaders(_ mine: [UInt8]) throws -> [[UInt8]] {
    let topology = communicator.topology
    let counts = try communicator.allGather([Double(mine.count)])
    return try topology.hosts.map { ranks in
      let leader = ranks.lowerBound
      var bytes =
        topology.rank == leader ? mine : [UInt8](repeating: 0, count: Int(counts[leader][0]))
      if !bytes.isEmpty {
        try bytes.withUnsafeMutableBytes { try communicator.broadcast($0, from: leader) }
      }
      return bytes
    }
  }

  /// Lets everything go but a snapshot, which the run goes on from; nil: nothing of what is kept.
  /// Every rank calls this once it has decided.
  func keep(only snapshot: SnapshotIdentity?) throws {
    previous = found.filter { snapshot != nil && $0.shard.summary?.snapshot == snapshot }
      .map(\.segment.number)
    found = []
    if communicator.topology.isLeader, let all = try? memory.list() {
      try? memory.drop(all.map(\.number).filter { !previous.contains($0) })
    }
    // Before anyone has new ones made.
    try communicator.barrier()
  }

  /// Brings the run to where it was at a snapshot. Collective.
  ///
  /// - Parameters:
  ///   - snapshot: A whole one.
  ///   - weights: Of the model that an adapter belongs to; rank zero's count.
  /// - Throws: `AgreedError`, with what a checkpoint's state throws where it can not be right.
  func restore(
    _ snapshot: SnapshotIdentity, over weights: PretrainedWeights?
  ) throws -> TrainingState {
    let record = try record(of: snapshot)
    try communicator.agree { try versions.beginResuming(from: record.state.notes) }
    if replica.parameters.isAdapted {
      try communicator.onRankZero {
        try weights?.fill(replica.parameters, replica.values, threads: threads)
      }
      try replica.shared.broadcast()
    }
    try restoreParameters(snapshot)
    try restoreStates(snapshot, held: record.owners)
    try versions.finishResuming()
    return record.state
  }

  private func shard(of rank: Int, in snapshot: SnapshotIdentity) -> SnapshotShard? {
    found.map(\.shard).first { $0.summary?.snapshot == snapshot && $0.summary?.rank == rank }
  }

  private func record(of snapshot: SnapshotIdentity) throws -> SnapshotRecord {
    let host = inventory.holders(of: 0, in: snapshot).first ?? 0
    let own = shard(of: 0, in: snapshot)?.recordBytes ?? []
    let bytes = try fromLeaders(own)[host]
    return try communicator.agree {
      try JSONFormat.decoder.decode(SnapshotRecord.self, from: Data(bytes))
    }
  }

  /// Hosts that have the parameters copy them, the ranks of each sharing the work; the others get them.
  private func restoreParameters(_ snapshot: SnapshotIdentity) throws {
    let topology = communicator.topology
    let has = topology.hosts.indices.map { inventory.hasParameters(of: snapshot, host: $0) }
    if has[topology.hostIndex] {
      let shards = found.map(\.shard).filter { $0.summary?.snapshot == snapshot }
      for (index, shard) in shards.enumerated()
      where index % topology.localSize == topology.localRank {
        guard let elements = shard.summary?.parameters else { continue }
        copy(
          UnsafeBufferPointer(shard.parameters),
          to: UnsafeMutableBufferPointer(
            start: replica.values + elements.lowerBound, count: elements.count))
      }
    }
    try communicator.barrier()
    let root = has.firstIndex(of: true).map { topology.hosts[$0].lowerBound } ?? 0
    let receivers = topology.hosts.indices.filter { !has[$0] }.map { topology.hosts[$0].lowerBound }
    let bytes = UnsafeMutableRawBufferPointer(
      UnsafeMutableBufferPointer(start: replica.values, count: parameterCount))
    try communicator.spread(bytes, from: root, among: ([root] + receivers).sorted())
    try communicator.barrier()
  }

  /// Each rank gets its elements of the states from memory of its host, or from a host that has them.
  private func restoreStates(_ snapshot: SnapshotIdentity, held: [ElementOwners]) throws {
    let topology = communicator.topology
    let states = states
    try communicator.agree {
      guard held.count == states.count,
        zip(held, states).allSatisfy({ $0.elementCount == $1.elementCount })
      else { throw SnapshotMismatch() }
    }
    let batch = MessageBatch()
    /// Where each state begins among the elements of a rank that held it.
    var begins: [Int: Int] = [:]
    for (state, old) in zip(states, held) {
      for piece in Redistribution.pieces(from: old, to: state.owners) {
        let holders = inventory.holders(of: piece.source, in: snapshot)
        let target = topology.hostIndex(of: piece.destination)
        let sourceHost = holders.contains(target) ? target : holders.first ?? target
        let sender =
          sourceHost == target
          ? piece.destination : topology.counterpart(of: piece.destination, onHost: sourceHost)
        let begin = begins[piece.source, default: 0] + piece.sourceStart
        var source: UnsafeMutableBufferPointer<Float>? {
          shard(of: piece.source, in: snapshot).map {
            UnsafeMutableBufferPointer(rebasing: $0.values[begin..<begin + piece.count])
          }
        }
        var place: UnsafeMutableBufferPointer<Float> {
          let start = piece.destinationStart
          return UnsafeMutableBufferPointer(
            rebasing: state.values[start..<start + piece.count])
        }
        if sender == piece.destination {
          guard topology.rank == sender, let source else { continue }
          copy(UnsafeBufferPointer(source), to: place)
        } else if topology.rank == sender {
          if let source { batch.send(UnsafeRawBufferPointer(source), to: piece.destination) }
        } else if topology.rank == piece.destination {
          batch.receive(into: UnsafeMutableRawBufferPointer(place), from: sender)
        }
      }
      for owner in Set(old.parts.map(\.owner)) {
        begins[owner, default: 0] += old.count(of: owner)
      }
    }
    try communicator.exchange(batch)
    try communicator.barrier()
  }
}

/// A snapshot whose states are not those of the run.
struct SnapshotMismatch: Error, CustomStringConvertible {
  var description: String { "the snapshot in memory holds other states than the optimiser has" }
}
