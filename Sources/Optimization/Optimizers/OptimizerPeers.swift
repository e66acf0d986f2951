/// What an optimiser needs of the other ranks: few numbers of all, and messages. `Training` gives
/// it the run's communicator; a rank that is alone needs nobody.
public protocol OptimizerPeers: AnyObject {
  /// The values of every rank, in rank order; as many from each. Collective.
  func allGather(_ values: [Double]) throws -> [[Double]]

  /// Sends and receives all messages; between two ranks they match in the order given. Collective.
  func exchange(_ messages: [OptimizerMessage]) throws
}

/// Elements for a rank, or from it.
public enum OptimizerMessage {
  case send(UnsafeBufferPointer<Float>, to: Int)
  case receive(UnsafeMutableBufferPointer<Float>, from: Int)
}

/// A rank that is alone.
public final class NoPeers: OptimizerPeers {
  public init() {}

  public func allGather(_ values: [Double]) -> [[Double]] { [values] }

  public func exchange(_ messages: [OptimizerMessage]) {
    precondition(messages.isEmpty, "a rank that is alone has nobody to exchange messages with")
  }
}
