/// One named buffer of an optimiser's memory, sized to its slice.
public struct OptimizerState {
  /// The name in a checkpoint, PyTorch's where it has one, such as `exp_avg`.
  public let name: String
  /// One value for each element of the slice. Readable and writable (a resumed run fills it) for as
  /// long as the optimiser lives.
  public let values: UnsafeMutableBufferPointer<Float>
}

/// The memory behind an `OptimizerState`: zeros at first, owned by the optimiser.
final class StateBuffer {
  let values: UnsafeMutableBufferPointer<Float>

  init(count: Int) {
    let memory = UnsafeMutableRawBufferPointer.allocate(
      byteCount: count * MemoryLayout<Float>.stride, alignment: 64)
    values = memory.bindMemory(to: Float.self)
    // Touches every page now: the training loop faults none in.
    values.initialize(repeating: 0)
  }

  deinit { values.deallocate() }
}
