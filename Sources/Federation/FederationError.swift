import LockstepSettings

/// Why clients can not be trained together as it is asked for.
public enum FederationError: UserInputError, Equatable {
  // MARK: Secure aggregation

  /// So many clients can not share secrets.
  case memberCount(Int)
  /// The threshold does not suit the number of clients.
  case threshold(Int, members: Int)
  /// Fewer clients are left than secrets can be put together from.
  case tooFewRemain(Int, threshold: Int, round: Int)
  /// What a client sent is not a pair of keys.
  case publicKeys(client: Int, round: Int)
  /// What a client sealed for another was changed on the way, or is of another round.
  case sealedShare(from: Int, to: Int, round: Int)
  /// Clients who have no part in the round, or did not share their secrets.
  case strangers([Int], round: Int)
  /// A client that counts as gone is asked as if it remained.
  case gone(client: Int, round: Int)
  /// A client was asked twice, with different answers to who remains.
  case openedOtherwise(client: Int, round: Int)
  /// What a client opened is not about those who remain and those who are gone.
  case opening(client: Int, round: Int)
  /// The shares that were opened do not make up a client's secret.
  case secret(of: Int, round: Int)

  // MARK: Partitions

  /// Samples without classes can not be dealt by them.
  case noClasses(partition: String)
  /// There is not enough for everybody.
  case tooFewSamples(Int, clients: Int, needed: Int)

  public var description: String {
    switch self {
    case .memberCount(let count):
      "secure aggregation is for 2 to 255 clients in a round, and not for \(count): choose as many, or leave it out"
    case .threshold(let threshold, let members):
      "secure aggregation: a threshold of \(threshold) does not suit \(members) clients in a round: give one from 2 "
        + "to \(members)"
    case .tooFewRemain(let count, let threshold, let round):
      "secure aggregation: in round \(round) only \(Self.clients(count)) remained, and the masks come off with "
        + "\(threshold) or more: lower the threshold, or let more clients take part"
    case .publicKeys(let client, let round):
      "secure aggregation: what client \(client) sent in round \(round) are no public keys: start the round again "
        + "without that client"
    case .sealedShare(let sender, let receiver, let round):
      "secure aggregation: the share from client \(sender) to client \(receiver) in round \(round) was changed on "
        + "its way, or sealed for another round: start the round again"
    case .strangers(let clients, let round):
      "secure aggregation: round \(round) is without \(Self.list(clients)): only those may be named who shared their "
        + "secrets"
    case .gone(let client, let round):
      "secure aggregation: client \(client) is asked to open shares in round \(round), and is not among those who "
        + "remain: ask the others only"
    case .openedOtherwise(let client, let round):
      "secure aggregation: client \(client) was asked twice in round \(round), with different lists of who remains; a "
        + "second answer could give its fellows' vectors away: start a new round"
    case .opening(let client, let round):
      "secure aggregation: what client \(client) opened in round \(round) does not fit the list of who remains: start "
        + "the round again"
    case .secret(let client, let round):
      "secure aggregation: the shares opened in round \(round) do not make up the secret of client \(client): one "
        + "of them was changed; start the round again"
    case .noClasses(let partition):
      "partition.name: \(partition) deals out samples by their classes, and these have none: choose even"
    case .tooFewSamples(let count, let clients, let needed):
      "partition: \(count) samples are too few for \(clients) clients, who need \(needed): choose fewer clients, or "
        + "lower partition.least or classes_per_client"
    }
  }

  /// "1 client", "3 clients".
  private static func clients(_ count: Int) -> String {
    count == 1 ? "1 client" : "\(count) clients"
  }

  /// "client 3", "clients 3 and 5".
  private static func list(_ clients: [Int]) -> String {
    let words = clients.map(String.init)
    guard words.count > 1, let last = words.last else {
      return "client \(words.joined())"
    }
    return "clients \(words.dropLast().joined(separator: ", ")) and \(last)"
  }
}
