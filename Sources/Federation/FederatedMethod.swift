import LockstepSettings

/// How clients train, and how the run's parameters x follow what they come to.
///
/// Client i of a round comes from x to yᵢ; its change is Δᵢ = x - yᵢ, and Δ their weighted mean, which the server takes
/// for a gradient.
public enum FederatedMethod: SettingVariants, Equatable, Sendable {
  case fedavg(AveragingServer)
  case fedprox(ProximalClients)
  case fedadam(AdaptiveServer)
  case scaffold(ControlledClients)

  public static var variants: [Variant<Self>] {
    [
      Variant(
        "fedavg", "x = x - server_learning_rate · Δ (McMahan et al. 2017).", Self.fedavg
      ) {
        if case .fedavg(let keys) = $0 { keys } else { nil }
      },
      Variant(
        "fedprox",
        "As `fedavg`, and each client's loss has the term mu / 2 · ‖y - x‖², which keeps it near (Li et al. 2020).",
        Self.fedprox
      ) {
        if case .fedprox(let keys) = $0 { keys } else { nil }
      },
      Variant(
        "fedadam", "The server takes a step of Adam along Δ (Reddi et al. 2021).", Self.fedadam
      ) {
        if case .fedadam(let keys) = $0 { keys } else { nil }
      },
      Variant(
        "scaffold",
        "As `fedavg`, and control variates take away what the clients' gradients differ by (Karimireddy et al. "
          + "2020, option II). Clients train by plain `sgd`.",
        Self.scaffold
      ) {
        if case .scaffold(let keys) = $0 { keys } else { nil }
      },
    ]
  }

  /// "fedprox, mu 0.01, server learning rate 1.0".
  var summary: String {
    switch self {
    case .fedavg(let server): "fedavg, \(server.summary)"
    case .scaffold(let clients): "scaffold, \(clients.server.summary)"
    case .fedprox(let clients): "fedprox, mu \(clients.mu), \(clients.server.summary)"
    case .fedadam(let server): "fedadam, server learning rate \(server.learningRate)"
    }
  }
}

/// The keys of `federated` with `method: fedavg`.
public struct AveragingServer: Configurable, Sendable {
  /// 1: the parameters become the mean of the clients'.
  public var learningRate = 1.0
  public var momentum = 0.0

  public init() {}

  public static var fields: [Field<Self>] {
    [
      Field(
        "server_learning_rate", \.learningRate, .above(0),
        meaning: "Size of an update; with `1` the parameters become the mean of the clients'."),
      Field(
        "server_momentum", \.momentum, .within(0..<1),
        meaning: "How much of the last update's direction is kept (Hsu et al. 2019)."),
    ]
  }

  var summary: String {
    "server learning rate \(learningRate)" + (momentum > 0 ? ", momentum \(momentum)" : "")
  }
}

/// The keys of `federated` with `method: fedprox`.
public struct ProximalClients: Configurable, Sendable {
  /// μ.
  public var mu = 0.01
  public var server = AveragingServer()

  public init() {}

  public static var fields: [Field<Self>] {
    [
      Field(
        "mu", \.mu, .atLeast(0),
        meaning: "How strongly a client is drawn to the parameters that it began with.")
    ] + AveragingServer.fields.map { Field($0, of: \.server) }
  }
}

/// The keys of `federated` with `method: fedadam`.
public struct AdaptiveServer: Configurable, Sendable {
  public var learningRate = 0.1
  public var betas = [0.9, 0.99]
  /// τ of the paper.
  public var epsilon = 1e-3

  public init() {}

  public static var fields: [Field<Self>] {
    [
      Field("server_learning_rate", \.learningRate, .above(0), meaning: "Size of an update."),
      Field(
        "server_betas", \.betas, .count(2, each: .within(0..<1)),
        meaning: "How much of the running means of Δ and of its square is kept, per round."),
      Field(
        "server_epsilon", \.epsilon, .above(0),
        meaning: "Added to the root of the mean square: how adaptive the server is (τ)."),
    ]
  }
}

/// The keys of `federated` with `method: scaffold`.
public struct ControlledClients: Configurable, Sendable {
  public var server = AveragingServer()

  public init() {}

  public static var fields: [Field<Self>] {
    AveragingServer.fields.map { Field($0, of: \.server) }
  }
}
