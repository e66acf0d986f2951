/// Messages that travel together: started at once, finished at once.
///
/// Between two ranks, messages match in the order in which they were added and started; both sides
/// state the same number of bytes. A batch is made once and filled anew for each use, so that its
/// storage is reused.
public final class MessageBatch {
  package enum Direction { case send, receive }

  package struct Message {
    package let direction: Direction
    package let peer: Int
    package let bytes: UnsafeMutableRawPointer
    package let byteCount: Int
  }

  package private(set) var messages: [Message] = []
  /// What the transport keeps for each message or part of one, while the batch is under way.
  package var tickets: [Int] = []
  /// Between start and finish.
  package var isUnderWay = false

  public init() {}

  public var isEmpty: Bool { messages.isEmpty }

  /// Bytes of all messages, in both directions.
  var byteCount: Int { messages.reduce(0) { $0 + $1.byteCount } }

  /// Forgets all messages, keeping storage.
  public func removeAll() {
    precondition(!isUnderWay, "finish a batch before filling it anew")
    messages.removeAll(keepingCapacity: true)
  }

  /// Adds a message to `peer`. The bytes stay untouched until the batch is finished.
  public func send(_ bytes: UnsafeRawBufferPointer, to peer: Int) {
    guard let base = bytes.baseAddress, bytes.count > 0 else { return }
    let message = Message(
      direction: .send, peer: peer, bytes: UnsafeMutableRawPointer(mutating: base),
      byteCount: bytes.count)
    messages.append(message)
  }

  /// Adds a message from `peer`. The bytes are complete once the batch is finished.
  public func receive(into bytes: UnsafeMutableRawBufferPointer, from peer: Int) {
    guard let base = bytes.baseAddress, bytes.count > 0 else { return }
    let message = Message(
      direction: .receive, peer: peer, bytes: base, byteCount: bytes.count)
    messages.append(message)
  }
}
