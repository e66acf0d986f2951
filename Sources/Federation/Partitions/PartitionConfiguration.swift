import LockstepSettings

/// The `federated.partition` section: where clients have their data from. One data set can be dealt to clients, to study
/// how training copes with it.
///
/// Every sample then goes to one client. The same seed deals the same way on every machine.
public struct PartitionConfiguration: Configurable {
  public enum Method: SettingVariants {
    case files
    case even
    case classes(ClassPartition)
    case dirichlet(DirichletPartition)

    public static var variants: [Variant<Self>] {
      [
        Variant(
          "files",
          "Each client has files of its own, at the paths that `data.train` gives with its number for `{client}`. A "
            + "file is read only by the rank that plays its client.",
          .files),
        Variant(
          "even", "Pieces of equal size, at random: all clients have the same distribution.",
          .even),
        Variant(
          "classes",
          "Samples are sorted by class and cut into shards, of which each client gets a few (McMahan et al. 2017): "
            + "most clients have never seen most classes.",
          Self.classes
        ) {
          if case .classes(let partition) = $0 { partition } else { nil }
        },
        Variant(
          "dirichlet",
          "Each class is dealt to the clients in proportions of a Dirichlet distribution (Hsu et al. 2019, Li et "
            + "al. 2022): clients differ in their classes and in how much they have.",
          Self.dirichlet
        ) {
          if case .dirichlet(let partition) = $0 { partition } else { nil }
        },
      ]
    }
  }

  public var method: Method = .files

  public init() {}

  public init(_ method: Method) { self.method = method }

  public static var fields: [Field<Self>] {
    [Field("name", choosing: \.method, meaning: "Where each client has its samples from.")]
  }

  /// Whether each client has files of its own.
  public var isOfFiles: Bool { method == .files }

  /// Whether samples are dealt by their classes, which they need to have.
  public var needsLabels: Bool {
    switch method {
    case .files, .even: false
    case .classes, .dirichlet: true
    }
  }

  /// "dirichlet, alpha 0.5".
  public var summary: String {
    switch method {
    case .files: "files of their own"
    case .even: "even"
    case .classes(let partition): "classes, \(partition.classesPerClient) per client"
    case .dirichlet(let partition): "dirichlet, alpha \(partition.alpha)"
    }
  }
}

/// The keys of `partition` with `name: classes`.
public struct ClassPartition: Configurable {
  public var classesPerClient = 2

  public init() {}

  public static var fields: [Field<Self>] {
    [
      Field(
        "classes_per_client", \.classesPerClient, .within(1...10_000),
        meaning:
          "Shards of a client. A shard is mostly of one class; where sizes do not come out even, it is the end of one "
          + "and the beginning of the next.")
    ]
  }
}

/// The keys of `partition` with `name: dirichlet`.
public struct DirichletPartition: Configurable {
  public var alpha = 0.5
  public var least = 10

  public init() {}

  public static var fields: [Field<Self>] {
    [
      Field(
        "alpha", \.alpha, .within(0.001...1_000_000),
        meaning:
          "α: with `0.1` a client has one or two classes, with `0.5` a few, with `100` all of them, nearly as often."
      ),
      Field(
        "least", \.least, .count(from: 1),
        meaning:
          "The fewest samples of a client. Who would have fewer gets some, at random, of the client that has the most."
      ),
    ]
  }
}
