/// A key of the configuration that decides a run's result, with its value, for tools that compare runs.
public struct Hyperparameter: Equatable, Sendable {
  public enum Value: Equatable, Sendable {
    case number(Double)
    case flag(Bool)
    case text(String)
  }

  /// `optimizer.learning_rate`.
  public var key: String
  public var value: Value

  public init(_ key: String, _ value: Value) {
    self.key = key
    self.value = value
  }
}
