import LockstepCommunication
import LockstepNeuralNetworks
import LockstepOptimization

extension ParameterStore {
  /// The table of parameters as optimisers see it. What is not trained has no rate and no decay,
  /// whatever its group says; its gradient is zero, so that it takes no part in norms and moments.
  ///
  /// - Parameters:
  ///   - groups: Say which parameters are treated unlike the others.
  ///   - partition: Which part of the flat buffer each rank updates.
  /// - Throws: `ParameterPatternError` for a group's pattern that matches nothing.
  func layout(
    groups: [ParameterGroup], partition: SlicePartition, rank: Int
  ) throws -> ParameterLayout {
    let tensors = entries.map {
      OptimizedTensor(
        name: $0.name, shape: $0.shape.dimensions, range: $0.range, decays: $0.decays)
    }
    let grouped = zip(try groups.applied(to: tensors), entries).map { tensor, entry in
      guard !entry.isTrained else { return tensor }
      var tensor = tensor
      (tensor.rate, tensor.weightDecay) = (0, 0)
      return tensor
    }
    return ParameterLayout(
      tensors: grouped, elementCount: flatCount,
      slices: (0..<partition.size).map(partition.slice(of:)), rank: rank)
  }
}

extension OptimizerState {
  /// Which rank holds what of it.
  var distribution: Distribution {
    Distribution(parts.map { .init(owner: $0.rank, elements: $0.elements) })
  }
}

/// The other ranks of a run, as optimisers need them.
final class CommunicatorPeers: OptimizerPeers {
  private let communicator: any Communicator
  private let batch = MessageBatch()

  init(_ communicator: any Communicator) { self.communicator = communicator }

  func allGather(_ values: [Double]) throws -> [[Double]] {
    try communicator.allGather(values)
  }

  func exchange(_ messages: [OptimizerMessage]) throws {
    try communicator.meet(CollectiveCall(.exchange))
    batch.removeAll()
    for message in messages {
      switch message {
      case .send(let values, let rank):
        batch.send(UnsafeRawBufferPointer(values), to: rank)
      case .receive(let values, let rank):
        batch.receive(into: UnsafeMutableRawBufferPointer(values), from: rank)
      }
    }
    try communicator.exchange(batch)
  }
}
