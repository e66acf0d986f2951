import ArgumentParser
import LockstepSettings

extension Requirement {
  /// - Parameters:
  ///   - value: Of an option; nil: it is not given.
  ///   - option: Its name: `--steps`.
  /// - Throws: `ValidationError` where the value does not satisfy the condition.
  func check(_ value: Value?, of option: String) throws {
    guard let value, let expectation = expectation(unmetBy: value) else { return }
    throw ValidationError("\(option) is \(expectation), not \(value)")
  }
}

extension Requirement<Double> {
  /// At least 0, and no infinity, which an option reads from `inf`.
  static var nonNegative: Self { Self("of at least 0") { $0 >= 0 && $0.isFinite } }
}
