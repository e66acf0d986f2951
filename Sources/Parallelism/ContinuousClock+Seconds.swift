extension ContinuousClock {
  /// Seconds that an operation takes.
  package static func seconds(_ operation: () throws -> Void) rethrows -> Double {
    try ContinuousClock().measure(operation) / .seconds(1)
  }
}
