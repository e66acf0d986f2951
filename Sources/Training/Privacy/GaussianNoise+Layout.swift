import LockstepOptimization
import LockstepParallelism
import LockstepPrivacy

extension GaussianNoise {
  /// Adds a step's noise to what this rank updates of a sum; padding between tensors stays zero.
  ///
  /// - Parameters:
  ///   - values: The flat buffer.
  ///   - step: From 0.
  func add(
    to values: UnsafeMutableBufferPointer<Float>, of layout: ParameterLayout, step: Int,
    on threads: ThreadPool
  ) {
    for part in layout.ownParts {
      add(
        to: UnsafeMutableBufferPointer(rebasing: values[part]), from: part.lowerBound, step: step,
        on: threads)
      layout.clearPadding(of: values, in: part)
    }
  }
}
