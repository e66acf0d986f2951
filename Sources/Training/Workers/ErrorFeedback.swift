import LockstepCommunication
import LockstepOptimization
import LockstepParallelism

/// What of a worker's changes was not sent: it is added to the next one.
///
/// The first rank of the worker's group holds it.
final class ErrorFeedback {
  private let format: SparseFormat
  private let decay: Float
  /// [P]; empty on the other ranks of the group. Pages are zero until they are written.
  private let memory: MemorySegment
  private let layout: ParameterLayout

  /// - Parameters:
  ///   - layout: The worker's.
  ///   - rank: In the worker's group.
  init(
    _ rule: SparseOuterStep, format: SparseFormat, layout: ParameterLayout, rank: Int
  ) throws {
    self.format = format
    decay = Float(rule.decay)
    self.layout = layout
    memory = try MemorySegment(
      privateByteCount: rank == 0 ? format.elementCount * MemoryLayout<Float>.stride : 0,
      rank: rank)
  }

  /// Takes out of the change from `start` to `end`, and of what is left of earlier ones, what travels.
  ///
  /// - Parameter message: Room for `format.byteCount`.
  func takeLargest(
    from start: UnsafeMutableBufferPointer<Float>, to end: UnsafeMutableBufferPointer<Float>,
    into message: UnsafeMutableRawPointer, threads: ThreadPool
  ) {
    guard let start = start.baseAddress, let end = end.baseAddress,
      let residual = memory.bytes.bindMemory(to: Float.self).baseAddress
    else { return }
    threads.run(tasks: format.blockCount) { [format, decay] block in
      format.takeLargest(
        of: block, residual: residual, decay: decay, start: start, end: end, into: message)
    }
  }

  /// All of it is the first rank's: which elements of a block are the largest is no matter of slices.
  var state: OptimizerState {
    let values = memory.bytes.bindMemory(to: Float.self)
    return OptimizerState(
      layout.state("residual", values: values).outline.held(by: 0), values: values)
  }
}

extension OuterOptimizerConfiguration {
  /// What a worker needs to keep of its changes; nil where all of them are sent.
  ///
  /// - Parameters:
  ///   - layout: The worker's.
  ///   - group: Its ranks.
  func feedback(of layout: ParameterLayout, _ group: any Communicator) throws -> ErrorFeedback? {
    guard case .sparseloco(let rule) = method else { return nil }
    return try ErrorFeedback(
      rule, format: rule.format(elementCount: layout.elementCount), layout: layout,
      rank: group.rank)
  }
}
