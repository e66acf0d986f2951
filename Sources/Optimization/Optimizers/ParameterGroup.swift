import LockstepSettings

/// Parameters that are treated unlike the others: an element of `optimizer.groups`.
public struct ParameterGroup: Configurable {
  /// A pattern of names.
  public var parameters = "*"
  /// Factor on the learning rate.
  public var rate = 1.0
  /// In place of the method's; nil leaves that.
  public var weightDecay: Double?

  public init() {}

  public static var fields: [Field<Self>] {
    [
      Field(
        "parameters", \.parameters, .notEmpty,
        meaning:
          "Pattern of parameter names as in checkpoints, such as `*.bias`: `*` stands for any "
          + "characters, `?` for one."),
      Field("rate", \.rate, .atLeast(0), meaning: "Factor on the learning rate."),
      Field(
        "weight_decay", \.weightDecay, .ifPresent(.atLeast(0)),
        meaning:
          "Weight decay of all these parameters, vectors too; `null` leaves the method's, for "
          + "matrices only."),
    ]
  }
}

extension [ParameterGroup] {
  /// The tensors with what their groups say: each belongs to the first group whose pattern matches.
  ///
  /// - Throws: `ParameterPatternError` for a pattern that matches nothing.
  public func applied(to tensors: [OptimizedTensor]) throws -> [OptimizedTensor] {
    let patterns = map { NamePattern($0.parameters) }
    for (group, pattern) in zip(self, patterns)
    where !tensors.contains(where: { pattern.matches($0.name) }) {
      throw ParameterPatternError(
        key: "optimizer.groups", pattern: group.parameters, names: tensors.map(\.name))
    }
    return tensors.map { tensor in
      guard let index = patterns.firstIndex(where: { $0.matches(tensor.name) }) else {
        return tensor
      }
      var tensor = tensor
      tensor.rate = self[index].rate
      tensor.weightDecay = self[index].weightDecay
      return tensor
    }
  }
}

/// A pattern in the configuration that matches no parameter of the model.
public struct ParameterPatternError: UserInputError, Equatable {
  /// The configuration's key that holds the pattern.
  public let key: String
  public let pattern: String
  /// The names that the pattern was compared with.
  public let names: [String]
  /// What has these names, in the singular, for the message: "parameter".
  public let noun: String

  /// - Parameter noun: What has the names. Default: a parameter.
  public init(key: String, pattern: String, names: [String], noun: String = "parameter") {
    self.key = key
    self.pattern = pattern
    self.names = names
    self.noun = noun
  }

  public var description: String {
    let shown = names.prefix(8).joined(separator: ", ") + (names.count > 8 ? ", …" : "")
    return "\(key): the pattern \(pattern) matches no \(noun); the model has \(shown)"
  }
}
