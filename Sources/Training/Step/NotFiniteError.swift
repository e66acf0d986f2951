/// A step that must not be taken, or not be saved: its loss or gradient is not finite, or what its
/// update made of the parameters.
public enum NotFiniteError: Error, Equatable, CustomStringConvertible {
  case loss(step: Int, rank: Int, microbatch: Int, value: Double)
  /// All losses are finite, but not the gradient of this parameter; the micro-batch is one of these,
  /// whose sum is the first that is known.
  case gradient(step: Int, rank: Int, microbatches: Range<Int>, parameter: String)
  /// The place is not known: MPI did the adding up.
  case gradientNorm(step: Int, value: Double)
  /// Loss and gradient were finite, but the update was too large.
  case parameter(step: Int, name: String)

  public var description: String {
    switch self {
    case .loss(let step, let rank, let microbatch, let value):
      """
      step \(step): the loss of micro-batch \(microbatch) on rank \(rank) is \
      \(value.isNaN ? "not a number" : "infinite"); nothing of this step was saved. Lower \
      optimizer.learning_rate, lengthen schedule.warmup_steps or set optimizer.clip_norm, and look \
      with lockstep debug --replay RUN --step \(step)
      """
    case .gradient(let step, let rank, let microbatches, let parameter):
      """
      step \(step): the gradient of \(parameter) in \(Self.name(microbatches)) on rank \(rank) is \
      not finite although the loss is; nothing of this step was saved. Lower \
      optimizer.learning_rate, and look with lockstep debug --replay RUN --step \(step)
      """
    case .gradientNorm(let step, let value):
      """
      step \(step): the gradient's norm is \(value.isNaN ? "not a number" : "infinite") although \
      every loss is finite; nothing of this step was saved. Lower optimizer.learning_rate, and \
      look with lockstep debug --replay RUN --step \(step)
      """
    case .parameter(let step, let name):
      """
      step \(step): its update left numbers in \(name) that are not finite; nothing of this step was \
      saved, and the checkpoints before it stay. Lower optimizer.learning_rate or set \
      optimizer.clip_norm, and look with lockstep debug --replay RUN --step \(step)
      """
    }
  }

  private static func name(_ microbatches: Range<Int>) -> String {
    microbatches.count == 1
      ? "micro-batch \(microbatches.lowerBound)"
      : "one of the micro-batches \(microbatches.lowerBound) to \(microbatches.upperBound - 1)"
  }
}
