import LockstepModels
import LockstepNeuralNetworks

extension Recipe {
  /// Whether the loss compares with the model that the run began as, and that is in no part of the model
  /// that is trained: without an adapter that changes, and one that begins as another is changed, too.
  var needsFrozenReference: Bool {
    loss.kind.preference != nil && (adapter.keys.map { $0.from != nil } ?? true)
  }

  /// The model that the run began as, as a second one; nil where none is needed.
  ///
  /// - Parameters:
  ///   - network: Of the recipe's architecture.
  ///   - weights: What the run began with; nil on other ranks than zero.
  /// - Throws: As `adapt`.
  func frozenReference(
    _ network: any LanguageModel, _ weights: PretrainedWeights?
  ) throws -> FrozenModel? {
    guard needsFrozenReference else { return nil }
    try adapt(network)
    return FrozenModel(network) { parameters, values, threads in
      try weights?.fill(parameters, values, threads: threads)
    }
  }
}
