import LockstepCommunication
import LockstepParallelism

/// How far the clocks of hosts are apart.
package enum ClockOffset {
  private static let pings = 20

  /// What is added to this rank's time to get rank zero's, in nanoseconds; no more exact than half the shortest
  /// round trip. Collective.
  package static func ofThisRank(_ communicator: any Communicator) throws -> Int {
    // Parameters may be on their way, and their messages driven by another thread: a meeting ends that.
    try communicator.barrier()
    let topology = communicator.topology
    var own = 0
    // The first rank of each further host is asked; a host's processes have one clock.
    for host in topology.hosts.dropFirst() {
      let leader = host.lowerBound
      if communicator.isRankZero {
        for _ in 0..<pings {
          try exchange(communicator, with: leader) { $0[0] = Timeline.now }
        }
      } else if communicator.rank == leader {
        own = try measure(communicator)
      }
    }
    let offsets = try communicator.allGather([Double(own)])
    return Int(offsets[topology.leader][0])
  }

  /// Answers a message with another.
  private static func exchange(
    _ communicator: any Communicator, with peer: Int, _ answer: (inout [Int]) -> Void
  ) throws {
    var words = [0]
    try words.withUnsafeMutableBytes { try communicator.receive(into: $0, from: peer) }
    answer(&words)
    try words.withUnsafeBytes { try communicator.send($0, to: peer) }
  }

  private static func measure(_ communicator: any Communicator) throws -> Int {
    var shortest = Int.max
    var offset = 0
    for _ in 0..<pings {
      var words = [0]
      let begin = Timeline.now
      try words.withUnsafeBytes { try communicator.send($0, to: 0) }
      try words.withUnsafeMutableBytes { try communicator.receive(into: $0, from: 0) }
      let roundTrip = Timeline.now - begin
      if roundTrip < shortest {
        shortest = roundTrip
        offset = words[0] - (begin + roundTrip / 2)
      }
    }
    return offset
  }
}
