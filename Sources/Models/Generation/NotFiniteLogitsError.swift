import CLockstepKernels

/// A model's scores from which nothing can be chosen: one of them is infinite or not a number.
public struct NotFiniteLogitsError: Error, Equatable, CustomStringConvertible {
  /// Which of the texts that were continued together, from 0.
  public internal(set) var text: Int
  /// The place in the text for which a token was to be chosen, from 0; nil: there are no places.
  public let position: Int?
  /// The caller's name of the input: "the sample"; nil: it has no name.
  public var input: String?
  /// Which line the input is, from 1; nil: it is none.
  public var line: Int?

  /// - Parameters:
  ///   - text: Default: 0, the only one.
  ///   - input: Default: no name.
  ///   - line: Default: none.
  public init(text: Int = 0, position: Int?, input: String? = nil, line: Int? = nil) {
    self.text = text
    self.position = position
    self.input = input
    self.line = line
  }

  public var description: String {
    let place = position.map { "at position \($0) of" } ?? "for"
    return """
      the model's logits are not finite \(place) \(input ?? line.map { "line \($0)" } ?? "the text"): its parameters are damaged, or \
      its training has diverged; use an earlier checkpoint
      """
  }
}

extension UnsafeBufferPointer<Float> {
  /// Refuses scores of which one is not finite.
  ///
  /// - Parameters: As of `NotFiniteLogitsError`.
  package func requireFinite(
    text: Int = 0, position: Int?, input: String? = nil
  ) throws(NotFiniteLogitsError) {
    // The squares of finite floats can not overflow a double.
    guard CKernels_sumSquares(baseAddress, Int64(count)).isFinite else {
      throw NotFiniteLogitsError(text: text, position: position, input: input)
    }
  }
}
