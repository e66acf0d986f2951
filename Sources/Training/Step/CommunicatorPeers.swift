import LockstepCommunication
import LockstepOptimization

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
