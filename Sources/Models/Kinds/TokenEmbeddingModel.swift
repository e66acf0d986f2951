import LockstepNeuralNetworks

/// A model that looks tokens up in a table, which may begin with pretrained vectors.
public protocol TokenEmbeddingModel: Module {
  /// One row for each token, [V, D]; D is the model's width.
  var embeddingWeight: Parameter { get }
}

extension TokenEmbeddingModel {
  /// The path of the table among the model's parameters.
  public var embeddingName: String {
    guard let found = namedParameters.first(where: { $0.parameter === embeddingWeight }) else {
      preconditionFailure("the token embedding is one of the model's parameters")
    }
    return found.name
  }
}
