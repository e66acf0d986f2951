import LockstepCommunication

/// The training data of a client.
struct ClientData {
  let task: any SampledTask
  /// Which of the task's samples are the client's; nil: all of them.
  let samples: [Int]?

  var count: Int { samples?.count ?? task.sampleCount }

  /// - Parameter place: In 0 ..< `count`.
  func sample(_ place: Int) -> Int { samples?[place] ?? place }
}

/// Which of K clients has which data, and which rank plays which client.
final class FederatedClients {
  /// K.
  let count: Int
  /// The data of the clients that this rank may play.
  private let data: [Int: ClientData]
  /// The rank that has a client's data, nil for those that none has; nil: all ranks have all data.
  private let owners: [Int?]?

  /// Every rank may play every client.
  init(sharing data: [ClientData]) {
    count = data.count
    self.data = Dictionary(uniqueKeysWithValues: data.enumerated().map { ($0, $1) })
    owners = nil
  }

  /// Each client is played where its data are.
  ///
  /// - Parameters:
  ///   - owners: Of all clients; the same on all ranks.
  ///   - data: Of this rank's.
  init(owners: [Int?], data: [Int: ClientData]) {
    count = owners.count
    (self.owners, self.data) = (owners, data)
  }

  /// The data of a client that this rank may play.
  subscript(client: Int) -> ClientData {
    guard let own = data[client] else {
      preconditionFailure("client \(client) is played by another rank")
    }
    return own
  }

  /// The clients whose data this rank has, ascending.
  var known: [Int] { data.keys.sorted() }

  /// Whether no rank has a client's data.
  func isMissing(_ client: Int) -> Bool { owners.map { $0[client] == nil } ?? false }

  /// The rank that plays a client which remembers nothing from round to round.
  ///
  /// - Parameters:
  ///   - place: Among the clients of the round.
  ///   - ranks: N.
  /// - Returns: Nil where no rank has its data.
  func player(of client: Int, place: Int, ranks: Int) -> Int? {
    owners.map { $0[client] } ?? place % ranks
  }

  /// The rank that keeps what a client remembers from round to round, and plays it: the same in all rounds.
  func keeper(of client: Int, ranks: Int) -> Int {
    owners.map { $0[client] ?? 0 } ?? client % ranks
  }

  /// Who plays whom where data are at some ranks only: each client the rank with the fewest so far of those that
  /// have its data.
  ///
  /// - Parameter holders: Of each client the ranks that have its data.
  static func owners(holders: [[Int]], ranks: Int) -> [Int?] {
    var counts = [Int](repeating: 0, count: ranks)
    return holders.map { holders in
      guard let rank = holders.min(by: { (counts[$0], $0) < (counts[$1], $1) }) else { return nil }
      counts[rank] += 1
      return rank
    }
  }
}
