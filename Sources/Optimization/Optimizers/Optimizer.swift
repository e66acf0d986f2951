/// Turns gradients into better parameters: flat buffers in, flat buffers out.
///
/// An optimiser knows the table of tensors and its rank's parts of the flat parameter buffer, and nothing
/// of the model: this rank updates its elements, other ranks update theirs. What it remembers exists
/// once over all ranks; a checkpoint stores it as whole tensors, so that any number of ranks can go
/// on.
///
/// What becomes of an element must not depend on where parts begin or end, nor on how many threads
/// share the work: the bits would then depend on the number of ranks.
public protocol Optimizer: AnyObject {
  var layout: ParameterLayout { get }

  /// What it remembers from step to step; empty for none.
  var states: [OptimizerState] { get }

  /// Small numbers that it remembers beside the tensors, by name; the same on all ranks.
  var notes: [String: String] { get }

  /// Takes back `notes` when a run is resumed, after `states` are filled.
  ///
  /// - Parameter notes: All of a checkpoint's, others' included. They come from a file: whatever is
  ///   there may be damaged.
  /// - Throws: `DescriptionError` for a note that it can not have written, with the note's name as path.
  func resume(from notes: [String: String]) throws

  /// One step, in place. Collective.
  ///
  /// - Parameters:
  ///   - parameters: The flat buffer, `layout.elementCount` elements. All may be read; this rank's
  ///     parts are written.
  ///   - gradient: As large; this rank's parts are its elements' gradients, and may be overwritten, the rest is
  ///     anything.
  ///   - scale: Factor on every gradient element: clip factor / global target count.
  ///   - step: Number of this optimiser step, from 1; bias corrections depend on it.
  ///   - learningRate: What the schedule gives for this step.
  func update(
    parameters: UnsafeMutableBufferPointer<Float>, gradient: UnsafeMutableBufferPointer<Float>,
    scale: Float, step: Int, learningRate: Double) throws
}

extension Optimizer {
  public var notes: [String: String] { [:] }

  public func resume(from notes: [String: String]) throws {}

  /// Checks an update's arguments against the layout.
  func check(
    _ parameters: UnsafeMutableBufferPointer<Float>,
    _ gradient: UnsafeMutableBufferPointer<Float>, step: Int
  ) {
    precondition(
      parameters.count == layout.elementCount && gradient.count == layout.elementCount,
      "\(layout.elementCount) parameters get \(parameters.count) and \(gradient.count) gradients")
    precondition(step >= 1, "optimiser steps count from 1, not \(step)")
  }
}
