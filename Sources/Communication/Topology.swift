/// Which ranks share a host, and therefore memory.
///
/// The ranks of a host are contiguous, and rank 0 is on the first. Each host's first rank is its
/// leader, which speaks with the other leaders for all.
public struct Topology: Equatable, Sendable {
  /// The ranks of each host; together 0 ..< size, in order.
  public let hosts: [Range<Int>]
  /// This rank.
  public let rank: Int
  /// The number of ranks, N.
  public let size: Int
  /// The place of this rank's host in `hosts`.
  public let hostIndex: Int
  /// The ranks of this rank's host.
  public let hostRanks: Range<Int>

  /// - Parameters:
  ///   - hosts: Not empty ranges that follow each other from 0.
  ///   - rank: In one of them.
  public init(hosts: [Range<Int>], rank: Int) {
    var end = 0
    for host in hosts {
      precondition(host.lowerBound == end && !host.isEmpty, "hosts must be contiguous: \(hosts)")
      end = host.upperBound
    }
    self.hosts = hosts
    self.rank = rank
    guard let index = hosts.firstIndex(where: { $0.contains(rank) }) else {
      preconditionFailure("rank \(rank) is on none of the hosts \(hosts)")
    }
    hostIndex = index
    hostRanks = hosts[index]
    size = end
  }

  /// `size` ranks, each `ranksPerHost` of them on a host; the last host may have fewer.
  public init(size: Int, ranksPerHost: Int, rank: Int) {
    let hosts = stride(from: 0, to: size, by: ranksPerHost).map {
      $0..<min($0 + ranksPerHost, size)
    }
    self.init(hosts: hosts, rank: rank)
  }

  /// The topology of some of the ranks, numbered anew in their order.
  ///
  /// - Parameter members: Ascending; this rank is one of them.
  func part(of members: [Int]) -> Topology {
    var hosts: [Range<Int>] = []
    for ranks in self.hosts {
      let start = hosts.last?.upperBound ?? 0
      let count = members.count { ranks.contains($0) }
      if count > 0 { hosts.append(start..<start + count) }
    }
    guard let place = members.firstIndex(of: rank) else {
      preconditionFailure("rank \(rank) is not a member of its own part \(members)")
    }
    return Topology(hosts: hosts, rank: place)
  }

  public var hostCount: Int { hosts.count }
  public var localRank: Int { rank - hostRanks.lowerBound }
  public var localSize: Int { hostRanks.count }
  public var leader: Int { hostRanks.lowerBound }
  public var isLeader: Bool { rank == leader }

  /// The host of any rank.
  public func hostIndex(of rank: Int) -> Int {
    var low = 0
    var high = hosts.count
    while high - low > 1 {
      let middle = (low + high) / 2
      if hosts[middle].lowerBound <= rank { low = middle } else { high = middle }
    }
    return low
  }

  /// The rank of host `host` that exchanges `rank`'s slice with it. Slices of remote ranks are
  /// dealt out among a host's ranks, so that all of them send and receive.
  public func counterpart(of rank: Int, onHost host: Int) -> Int {
    hosts[host].lowerBound + rank % hosts[host].count
  }
}
