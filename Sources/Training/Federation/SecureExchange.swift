import LockstepCommunication
import LockstepFederation
import LockstepParallelism

/// Secure aggregation among the clients of a round, on one rank: it plays the parts of its own clients, and that of
/// the server for its slice of the sum.
///
/// Clients of one rank speak with each other as they do with others, so that what a rank plays is no part of the
/// protocol.
final class SecureExchange {
  private let round: MaskedRound
  /// Of every rank, ascending.
  private let clients: [[Int]]
  private var own: [Int: MaskingClient]
  private var publicKeys: [Int: [UInt8]]
  private let communicator: any Communicator
  private let threads: ThreadPool

  /// The least clients that have to remain of a round: more than half, so that no two halves of it can each be
  /// unmasked, and as many as any sum has to be of.
  static func threshold(of count: Int) -> Int { max(count / 2 + 1, SecureLimits.fewestClients) }

  /// Agrees on masks, and shares out the secrets behind them. Collective.
  ///
  /// - Parameters:
  ///   - number: Of the round.
  ///   - clients: Those that take part, of every rank.
  init(
    _ number: Int, of clients: [[Int]], communicator: any Communicator, threads: ThreadPool
  ) throws {
    (self.clients, self.communicator, self.threads) = (clients, communicator, threads)
    let members = clients.flatMap(\.self).sorted()
    let round = try MaskedRound(
      number: number, members: members, threshold: Self.threshold(of: members.count))
    self.round = round
    let own = clients[communicator.rank].map { ($0, MaskingClient($0, in: round)) }
    self.own = Dictionary(uniqueKeysWithValues: own)
    publicKeys = [:]
    publicKeys = try exchange(MaskedRound.publicKeysSize) { $0.publicKeys }
    try exchangeShares(among: members)
  }

  private func exchangeShares(among members: [Int]) throws {
    let others = members.count - 1
    let sealed = try exchange(others * MaskedRound.sealedShareSize) { [publicKeys] client in
      let shares = try client.sealedShares(publicKeys: publicKeys)
      return members.flatMap { shares[$0] ?? [] }
    }
    for (client, masking) in own {
      var received: [Int: [UInt8]] = [:]
      for (sender, bytes) in sealed where sender != client {
        let place = members.filter { $0 != sender && $0 < client }.count
        let start = place * MaskedRound.sealedShareSize
        received[sender] = Array(bytes[start..<start + MaskedRound.sealedShareSize])
      }
      try masking.receive(received)
    }
  }

  /// What each client says, as all ranks hear it. Collective.
  ///
  /// - Parameters:
  ///   - size: In bytes, of one.
  ///   - message: Of a client that this rank plays; nil: it says nothing any more.
  private func exchange(
    _ size: Int, _ message: (MaskingClient) throws -> [UInt8]?
  ) throws -> [Int: [UInt8]] {
    var all: [Int: [UInt8]] = [:]
    for (rank, clients) in clients.enumerated() {
      let bytes = try communicator.fromRank(rank) {
        try clients.flatMap { client in
          try own[client].flatMap(message) ?? Array(repeating: 0, count: size)
        }
      }
      for (place, client) in clients.enumerated() {
        all[client] = Array(bytes[place * size..<(place + 1) * size])
      }
    }
    return all
  }

  /// Adds a client's masks to elements of its vector.
  func addMasks(
    of client: Int, to words: UnsafeMutableBufferPointer<UInt64>, from first: Int
  ) {
    guard let masking = own[client] else {
      preconditionFailure("client \(client) is played by another rank")
    }
    masking.addMasks(to: words, from: first, on: threads)
  }

  /// Finds the masks that are left in the sum of those who remain. Collective.
  ///
  /// - Parameter remaining: At least the threshold.
  func removal(remaining: [Int]) throws -> MaskRemoval {
    let remains = Set(remaining)
    let openings = try exchange(round.openingSize) { client in
      remains.contains(client.client) ? try client.opening(remaining: remaining) : nil
    }
    return try MaskRemoval(
      of: round, remaining: remaining, publicKeys: publicKeys,
      openings: openings.filter { remains.contains($0.key) })
  }
}
