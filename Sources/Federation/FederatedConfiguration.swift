import LockstepSettings

/// The `federated` section: clients that keep their data to themselves, and train in rounds.
///
/// H. B. McMahan et al., "Communication-Efficient Learning of Deep Networks from Decentralized Data", 2017. Clients
/// are part of the configuration: any number of ranks plays them, to the same result. An optimiser step of the run is
/// a round.
public struct FederatedConfiguration: Configurable {
  /// K; 0: there are none.
  public var clients = 0
  /// How many of them take part in a round; nil: all.
  public var clientsARound: Int?
  /// Optimiser steps of a client in a round; nil: by `localEpochs`.
  public var localSteps: Int?
  /// How often a client goes over its data in a round; nil: by `localSteps`.
  public var localEpochs: Int?
  public var method = FederatedMethod.fedavg(AveragingServer())
  public var weighting = Weighting.examples
  public var partition = PartitionConfiguration()
  /// Whether clients' changes are masked, so that only their sum is ever seen.
  public var secure = false
  /// The share of the clients of a round that drop out of it, drawn by the seed.
  public var dropout = 0.0
  /// Seconds that a client may take for a round; 0: any.
  public var deadline = 0.0

  public init() {}

  public var isOn: Bool { clients > 0 }

  /// How many clients take part in a round, on the average of a private run.
  public var roundSize: Int { min(clientsARound ?? clients, clients) }

  /// What the changes of clients count for in their mean.
  public enum Weighting: String, SettingChoice {
    case examples
    case uniform

    public var documentation: String {
      switch self {
      case .examples: "Each client's change counts as often as the client has training samples."
      case .uniform: "All clients' changes count alike."
      }
    }
  }

  public static var fields: [Field<Self>] {
    [
      Field(
        "clients", \.clients, .within(0...1_000_000),
        meaning:
          "K, how many clients there are. Each has training data of its own: by default those of the files whose "
          + "paths `data.train` gives with `{client}` in the place of the client's number, 0 to K - 1. `0`: no "
          + "federated training."),
      Field(
        "clients_a_round", \.clientsARound, .ifPresent(.count(from: 1)),
        meaning:
          "How many clients, drawn anew by the seed, take part in a round; `null`: all. With `privacy` the mean, "
          + "for each client is then drawn by itself."),
      Field(
        "local_steps", \.localSteps, .ifPresent(.within(1...Self.localStepLimit)),
        meaning:
          "Optimiser steps that a client takes in a round, from the parameters that all begin with, by an "
          + "optimiser that begins anew. A step is `batch.microbatches` of `batch.sequences` of its samples."
      ),
      Field(
        "local_epochs", \.localEpochs, .ifPresent(.count(from: 1)),
        meaning:
          "How often a client goes over its samples in a round, in place of `local_steps`: clients with more of "
          + "them then take more steps."),
      Field(
        "method", choosing: \.method,
        meaning: "How clients train, and how the parameters follow the mean of their changes."),
      Field(
        "weighting", \.weighting, meaning: "What the change of a client counts for in the mean."),
      Field(
        "partition", \.partition,
        meaning: "Which samples each client has, where they are simulated from one data set."),
      Field(
        "secure", \.secure,
        meaning:
          "Whether each client hides its change by masks that cancel in the sum (secure aggregation): whoever "
          + "adds up learns the sum alone. The bits are those without masks, but a round changes nothing where fewer "
          + "than 3 of its clients remain, or not more than half of those that have data."),
      Field(
        "dropout", \.dropout, .within(0...0.9),
        meaning:
          "The probability with which a client that was to take part in a round fails in it, drawn by the seed: "
          + "for simulations."),
      Field(
        "deadline", \.deadline, .atLeast(0),
        meaning:
          "Seconds that a client may take for its local steps; one that takes longer is left out of the round. The "
          + "result then depends on how fast the machines are. `0`: as long as it takes."),
    ]
  }

  /// The most steps of a client in a round.
  public static let localStepLimit = 1 << 16

  public func check(_ checks: inout SettingChecks) {
    guard isOn else {
      checks.require(
        self == FederatedConfiguration(), "clients",
        "a number above 0, because without clients the other keys have no meaning")
      return
    }
    checks.require(
      (localSteps == nil) != (localEpochs == nil), "local_steps",
      "a number, and local_epochs null, or the other way round: one of the two says how long a client trains",
      involving: "local_epochs")
    checks.require(
      clientsARound.map { $0 <= clients } ?? true, "clients_a_round",
      "at most clients (\(clients))", involving: "clients")
    checks.require(
      !secure || roundSize >= SecureLimits.fewestClients, "secure",
      "false, because with fewer than 3 clients a round a client would know the others' sum",
      involving: "clients_a_round", "clients")
    checks.require(
      !secure || roundSize <= SecureLimits.mostClients, "clients_a_round",
      "at most \(SecureLimits.mostClients), because secure is true and secrets are shared among so many at most",
      involving: "secure")
    if case .scaffold = method {
      checks.require(
        !secure, "secure",
        "false, because method is scaffold, which keeps a control variate of each client, and that tells its change",
        involving: "method")
    }
  }

  /// "10 of 100 clients a round, each 5 local steps: fedavg, server learning rate 1.0; secure aggregation".
  public var summary: String? {
    guard isOn else { return nil }
    let many = roundSize == clients ? "\(clients)" : "\(roundSize) of \(clients)"
    let length =
      localSteps.map { "\($0) local step\($0 == 1 ? "" : "s")" }
      ?? localEpochs.map { "\($0) local epoch\($0 == 1 ? "" : "s")" } ?? ""
    let hidden = secure ? "; secure aggregation" : ""
    return "\(many) clients a round, each \(length): \(method.summary)\(hidden)"
  }
}
