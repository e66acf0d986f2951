import LockstepFederation
import LockstepParallelism

/// A round of secure aggregation, played by one process: clients can be gone at any point.
struct MaskedAggregation {
  /// When clients are gone, as sets that add up.
  struct Absences {
    /// Before they have sent shares.
    var beforeShares: Set<Int> = []
    /// After that, and before the masked vector.
    var beforeVector: Set<Int> = []
    /// After that, and before they have opened what they know of others.
    var beforeOpening: Set<Int> = []
  }

  let round: MaskedRound
  let vectors: [Int: [UInt64]]
  let absences: Absences
  let threads = ThreadPool(threadCount: 2)

  private(set) var clients: [Int: MaskingClient] = [:]
  private(set) var publicKeys: [Int: [UInt8]] = [:]
  private(set) var masked: [Int: [UInt64]] = [:]

  /// Elements of the vectors.
  let count: Int

  init(
    _ round: MaskedRound, vectors: [Int: [UInt64]], absences: Absences = Absences(),
    using generator: inout some RandomNumberGenerator
  ) {
    (self.round, self.vectors, self.absences) = (round, vectors, absences)
    count = vectors.first?.value.count ?? 0
    for member in round.members {
      clients[member] = MaskingClient(member, in: round, using: &generator)
      publicKeys[member] = clients[member]?.publicKeys
    }
  }

  /// Those whose masked vectors are in the sum.
  var remaining: [Int] {
    round.members.filter {
      !absences.beforeShares.contains($0) && !absences.beforeVector.contains($0)
    }
  }

  /// Exchanges shares, and masks the vectors.
  ///
  /// - Parameter tamper: Changes what is on its way, by sender and receiver.
  mutating func mask(
    tamper: (_ sender: Int, _ receiver: Int, inout [UInt8]) -> Void = { _, _, _ in }
  ) throws {
    let sharing = round.members.filter { !absences.beforeShares.contains($0) }
    var sealed: [Int: [Int: [UInt8]]] = [:]
    for sender in sharing {
      for (receiver, bytes) in try clients[sender]?.sealedShares(publicKeys: publicKeys) ?? [:] {
        var bytes = bytes
        tamper(sender, receiver, &bytes)
        sealed[receiver, default: [:]][sender] = bytes
      }
    }
    for client in sharing {
      try clients[client]?.receive(sealed[client] ?? [:])
      var vector = vectors[client] ?? []
      vector.withUnsafeMutableBufferPointer {
        clients[client]?.addMasks(to: $0, from: 0, on: threads)
      }
      masked[client] = vector
    }
  }

  func openings() throws -> [Int: [UInt8]] {
    var openings: [Int: [UInt8]] = [:]
    for client in remaining where !absences.beforeOpening.contains(client) {
      openings[client] = try clients[client]?.opening(remaining: remaining)
    }
    return openings
  }

  /// The sum of the masked vectors, with the masks taken off in `slices`.
  func sum(slices: Int = 1) throws -> [UInt64] {
    let removal = try MaskRemoval(
      of: round, remaining: remaining, publicKeys: publicKeys, openings: openings())
    var sum = Self.sum(of: remaining.compactMap { masked[$0] }, count: count)
    sum.withUnsafeMutableBufferPointer { sum in
      for slice in 0..<slices {
        let range = count * slice / slices..<count * (slice + 1) / slices
        removal.removeMasks(
          from: UnsafeMutableBufferPointer(rebasing: sum[range]), from: range.lowerBound,
          on: threads)
      }
    }
    return sum
  }

  /// What the sum has to be.
  var plainSum: [UInt64] { Self.sum(of: remaining.compactMap { vectors[$0] }, count: count) }

  private static func sum(of vectors: [[UInt64]], count: Int) -> [UInt64] {
    vectors.reduce(into: [UInt64](repeating: 0, count: count)) { sum, vector in
      for index in 0..<count { sum[index] &+= vector[index] }
    }
  }
}
