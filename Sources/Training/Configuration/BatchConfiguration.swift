import LockstepSettings

/// The `batch` section. Neither key depends on the number of ranks, and so neither do the results.
public struct BatchConfiguration: Configurable {
  /// The most micro-batches that a step can have.
  public static let microbatchLimit = 4096

  /// The most sequences that a micro-batch can have.
  public static let sequenceLimit = 65_536

  /// B, sequences or samples in a micro-batch.
  public var sequences = 8
  /// M, micro-batches in an optimiser step, over all ranks.
  public var microbatches = 4

  public init() {}

  public static var fields: [Field<Self>] {
    [
      Field(
        "sequences", \.sequences, .within(1...sequenceLimit),
        meaning:
          "Sequences of text, or samples (images, rows of a table), in a micro-batch, which one rank "
          + "computes at a time."),
      Field(
        "microbatches", \.microbatches, .within(1...microbatchLimit),
        meaning:
          "Micro-batches in an optimiser step, over all ranks: no run can have more ranks than this. With `federated` "
          + "those in a local step of one client; then no run can have more ranks than `federated.clients`."
      ),
    ]
  }
}
