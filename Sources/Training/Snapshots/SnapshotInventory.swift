/// What a complete part of a snapshot is.
package struct ShardSummary: Equatable, Sendable {
  /// Tells starts of a run apart.
  package let attempt: UInt64
  /// Optimiser steps taken.
  package let step: Int
  /// Whose part it is, of how many ranks.
  package let rank: Int
  package let rankCount: Int
  /// The parameters in it; none in a copy on another host.
  package let parameters: Range<Int>
  /// How many there are in all.
  package let parameterCount: Int

  package init(
    attempt: UInt64, step: Int, rank: Int, rankCount: Int, parameters: Range<Int>,
    parameterCount: Int
  ) {
    self.attempt = attempt
    self.step = step
    self.rank = rank
    self.rankCount = rankCount
    self.parameters = parameters
    self.parameterCount = parameterCount
  }

  package var snapshot: SnapshotIdentity { SnapshotIdentity(step: step, attempt: attempt) }
}

/// A snapshot of a run.
package struct SnapshotIdentity: Hashable, Comparable, Sendable {
  package let step: Int
  package let attempt: UInt64

  package static func < (left: Self, right: Self) -> Bool {
    (left.step, left.attempt) < (right.step, right.attempt)
  }
}

/// What all hosts of a job keep.
package struct SnapshotInventory: Sendable {
  /// The complete shards of each host.
  package let hosts: [[ShardSummary]]

  package init(_ hosts: [[ShardSummary]]) { self.hosts = hosts }

  /// The newest snapshot of which nothing is missing: all ranks' states somewhere, and all parameters
  /// on one host.
  package var newest: SnapshotIdentity? {
    Set(hosts.joined().map(\.snapshot)).filter(isWhole).max()
  }

  private func isWhole(_ snapshot: SnapshotIdentity) -> Bool {
    let shards = hosts.map { $0.filter { $0.snapshot == snapshot } }
    guard let first = shards.joined().first else { return false }
    let ranks = Set(shards.joined().map(\.rank))
    return (0..<first.rankCount).allSatisfy(ranks.contains)
      && hosts.indices.contains { hasParameters(of: snapshot, host: $0) }
  }

  /// Whether a host has all parameters.
  package func hasParameters(of snapshot: SnapshotIdentity, host: Int) -> Bool {
    let shards = hosts[host].filter { $0.snapshot == snapshot }
    var end = 0
    for part in shards.map(\.parameters).sorted(by: { $0.lowerBound < $1.lowerBound }) {
      if part.lowerBound <= end { end = max(end, part.upperBound) }
    }
    return shards.first.map { end == $0.parameterCount } ?? false
  }

  /// The hosts that have the part of a rank.
  package func holders(of rank: Int, in snapshot: SnapshotIdentity) -> [Int] {
    hosts.indices.filter { host in
      hosts[host].contains { $0.snapshot == snapshot && $0.rank == rank }
    }
  }
}

extension ShardSummary {
  /// As it is sent from host to host.
  var words: [UInt64] {
    [attempt]
      + [step, rank, rankCount, parameters.lowerBound, parameters.upperBound, parameterCount]
      .map(UInt64.init)
  }

  private static let wordCount = 7

  /// Numbers in digits, of some one after the other.
  package static func text(of summaries: [ShardSummary]) -> String {
    summaries.flatMap(\.words).map(String.init).joined(separator: " ")
  }

  /// - Returns: Nil for what is no such text.
  package static func all(in text: String) -> [ShardSummary]? {
    let words = text.split(separator: " ").map { UInt64($0) }
    // What comes from another host is looked at before it is counted with.
    guard words.count.isMultiple(of: wordCount),
      words.allSatisfy({ $0.map { $0 < 1 << 62 } ?? false })
    else { return nil }
    let starts = stride(from: 0, to: words.count, by: wordCount)
    guard starts.allSatisfy({ (words[$0 + 4] ?? 0) <= (words[$0 + 5] ?? 0) }) else { return nil }
    return all(of: words.compactMap(\.self))
  }

  /// - Parameter words: Of some, one after the other.
  static func all(of words: [UInt64]) -> [ShardSummary] {
    stride(from: 0, to: words.count, by: wordCount).map { start in
      let rest = words[start + 1..<start + 7].map(Int.init)
      return ShardSummary(
        attempt: words[start], step: rest[0], rank: rest[1], rankCount: rest[2],
        parameters: rest[3]..<rest[4], parameterCount: rest[5])
    }
  }
}
