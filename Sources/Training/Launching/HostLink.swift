import Foundation
import LockstepCommunication

/// The connection of two hosts, as messages between their first ranks find it.
package struct HostLink: Codable, Sendable {
  /// Places in the list of hosts.
  package let from: Int
  package let to: Int
  /// Of large messages in one direction, in 10⁹ bits a second.
  package let gigabits: Double
  /// Of a message of eight bytes and its answer, the shortest, in microseconds.
  package let roundTripMicroseconds: Double
  /// How far the second host's clock is ahead of the first one's, in milliseconds; no more exact than half
  /// the round trip.
  package let clockOffsetMilliseconds: Double
  /// The network interface that the first host sends by, and that of the second; nil where the system counts
  /// no such messages.
  package let fromInterface: String?
  package let toInterface: String?

  package init(
    from: Int, to: Int, gigabits: Double, roundTripMicroseconds: Double,
    clockOffsetMilliseconds: Double, fromInterface: String? = nil, toInterface: String? = nil
  ) {
    self.from = from
    self.to = to
    self.gigabits = gigabits
    self.roundTripMicroseconds = roundTripMicroseconds
    self.clockOffsetMilliseconds = clockOffsetMilliseconds
    self.fromInterface = fromInterface
    self.toInterface = toInterface
  }

  /// "eth0", "eth0 and ib0" of the two hosts, or "no interface that the system counts".
  package var interfaces: String {
    guard fromInterface != toInterface else {
      return fromInterface ?? "no interface that the system counts"
    }
    return "\(fromInterface ?? "an uncounted one") and \(toInterface ?? "an uncounted one")"
  }

  /// Measures each pair of hosts, one after the other, a quarter of a second each. Collective.
  ///
  /// - Returns: On every rank the same; empty where there is one host.
  package static func measureAll(_ communicator: any Communicator) throws -> [HostLink] {
    let topology = communicator.topology
    guard topology.hostCount > 1 else { return [] }
    let buffer = UnsafeMutableRawBufferPointer.allocate(
      byteCount: messageByteCount, alignment: 4096)
    defer { buffer.deallocate() }
    buffer.initializeMemory(as: UInt8.self, repeating: 0)
    var links: [HostLink] = []
    for from in 0..<topology.hostCount {
      for to in from + 1..<topology.hostCount {
        let (first, second) = (topology.hosts[from].lowerBound, topology.hosts[to].lowerBound)
        var figures = [0.0, 0, 0]
        var interface: String?
        if communicator.rank == first {
          (figures, interface) = try measure(to: second, buffer, communicator)
        } else if communicator.rank == second {
          interface = try answer(first, buffer, communicator)
        }
        let known = try communicator.allGather(figures)[first]
        func name(from rank: Int) throws -> String? {
          try communicator.value(fromRank: rank) { interface }
        }
        links.append(
          HostLink(
            from: from, to: to, gigabits: known[0], roundTripMicroseconds: known[1],
            clockOffsetMilliseconds: known[2], fromInterface: try name(from: first),
            toInterface: try name(from: second)))
      }
    }
    return links
  }

  private static let messageByteCount = 4 << 20
  private static let pings = 50
  /// Seconds of large messages.
  private static let duration = 0.25

  /// The side that takes the time.
  private static func measure(
    to peer: Int, _ buffer: UnsafeMutableRawBufferPointer, _ communicator: any Communicator
  ) throws -> (figures: [Double], interface: String?) {
    var shortest = Double.infinity
    var offset = 0.0
    var time = [0.0]
    for _ in 0..<pings {
      let (wall, start) = (Date().timeIntervalSince1970, ContinuousClock.now)
      try time.withUnsafeMutableBytes { bytes in
        try communicator.send(UnsafeRawBufferPointer(bytes), to: peer)
        try communicator.receive(into: bytes, from: peer)
      }
      let seconds = start.duration(to: .now) / .seconds(1)
      if seconds < shortest {
        shortest = seconds
        offset = time[0] - wall - seconds / 2
      }
    }
    // The first message is not counted: a connection begins slowly.
    var count = 0
    var start = ContinuousClock.now
    var seconds = 0.0
    let before = NetworkInterface.current
    repeat {
      // Whether another one follows comes with each.
      buffer[0] = seconds < duration ? 1 : 0
      try communicator.send(UnsafeRawBufferPointer(buffer), to: peer)
      try time.withUnsafeMutableBytes { try communicator.receive(into: $0, from: peer) }
      if count == 0 { start = .now }
      count += 1
      seconds = start.duration(to: .now) / .seconds(1)
    } while buffer[0] == 1
    let bits = Double(count - 1) * Double(buffer.count) * 8
    let interface = NetworkInterface.current.carrier(
      of: Double(count) * Double(buffer.count), since: before)
    try communicator.receive(into: buffer, from: peer)
    try time.withUnsafeBytes { try communicator.send($0, to: peer) }
    return ([bits / seconds / 1e9, shortest * 1e6, offset * 1e3], interface)
  }

  /// The other side: it says what its clock shows.
  private static func answer(
    _ peer: Int, _ buffer: UnsafeMutableRawBufferPointer, _ communicator: any Communicator
  ) throws -> String? {
    var time = [0.0]
    for _ in 0..<pings {
      try time.withUnsafeMutableBytes { try communicator.receive(into: $0, from: peer) }
      time[0] = Date().timeIntervalSince1970
      try time.withUnsafeBytes { try communicator.send($0, to: peer) }
    }
    repeat {
      try communicator.receive(into: buffer, from: peer)
      try time.withUnsafeBytes { try communicator.send($0, to: peer) }
    } while buffer[0] == 1
    // One large message the other way shows by which interface this host sends.
    let before = NetworkInterface.current
    try communicator.send(UnsafeRawBufferPointer(buffer), to: peer)
    try time.withUnsafeMutableBytes { try communicator.receive(into: $0, from: peer) }
    return NetworkInterface.current.carrier(of: Double(buffer.count), since: before)
  }
}

extension [HostLink] {
  /// What is wrong with some of them.
  ///
  /// - Parameter hosts: Their names.
  package func findings(hosts: [String]) -> [String] {
    guard !isEmpty else { return [] }
    let median = map(\.gigabits).sorted()[count / 2]
    return flatMap { link -> [String] in
      let pair = "\(hosts[link.from]) and \(hosts[link.to])"
      var findings: [String] = []
      if link.gigabits * 3 < median {
        findings.append(
          "\(pair): the link between them is \(String(format: "%.0f", median / link.gigabits)) times "
            + "slower than most; every step waits for it")
      }
      if Swift.abs(link.clockOffsetMilliseconds) > 1000 + link.roundTripMicroseconds / 2000 {
        findings.append(
          "\(pair): their clocks are \(String(format: "%.1f", Swift.abs(link.clockOffsetMilliseconds) / 1000)) s "
            + "apart: synchronise them, or times in logs mislead")
      }
      return findings
    }
  }
}
