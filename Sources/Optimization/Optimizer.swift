/// Turns gradients into better parameters: flat buffers in, flat buffers out.
///
/// An optimiser knows its slice of the flat parameter buffer and nothing of the model: this rank
/// updates `slice`, other ranks update theirs, and each holds the state of its own slice only. A
/// checkpoint stores every state as whole tensors, put together from all slices.
///
/// What an update does to an element must not depend on where the slice begins or ends, nor on how
/// many threads share the work: the bits would then depend on the number of ranks.
public protocol Optimizer: AnyObject {
  /// The elements that this optimiser updates, in coordinates of the flat parameter buffer.
  var slice: Range<Int> { get }

  /// What it remembers from step to step, in the order of the checkpoint; empty for none.
  var states: [OptimizerState] { get }

  /// One step, in place, in one pass over memory. Allocates nothing.
  ///
  /// - Parameters:
  ///   - parameters: The slice's parameters, `slice.count` of them.
  ///   - gradient: The slice's gradients, as many. Not changed.
  ///   - scale: Factor on every gradient element: clip factor / global target token count.
  ///   - step: Number of this optimiser step, from 1; bias corrections depend on it.
  ///   - learningRate: What the schedule gives for this step.
  func update(
    parameters: UnsafeMutableBufferPointer<Float>, gradient: UnsafeBufferPointer<Float>,
    scale: Float, step: Int, learningRate: Double)
}

extension Optimizer {
  /// Checks an update's arguments against the slice.
  func check(
    _ parameters: UnsafeMutableBufferPointer<Float>, _ gradient: UnsafeBufferPointer<Float>,
    step: Int
  ) {
    precondition(
      parameters.count == slice.count && gradient.count == slice.count,
      "a slice of \(slice.count) elements gets \(parameters.count) parameters and "
        + "\(gradient.count) gradients")
    precondition(step >= 1, "optimiser steps count from 1, not \(step)")
  }
}
