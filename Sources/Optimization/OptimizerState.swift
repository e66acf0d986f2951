import Foundation

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

  /// Linux can back aligned memory with pages of this many bytes: a pass over all states then
  /// spends less on translating addresses.
  private static let hugePageByteCount = 1 << 21

  init(count: Int) {
    let byteCount = count * MemoryLayout<Float>.stride
    let isHuge = byteCount >= 2 * Self.hugePageByteCount
    let memory = UnsafeMutableRawBufferPointer.allocate(
      byteCount: byteCount, alignment: isHuge ? Self.hugePageByteCount : 64)
    #if os(Linux)
      // Advice only: where it is not taken, all goes on as before.
      if isHuge { madvise(memory.baseAddress, byteCount, MADV_HUGEPAGE) }
    #endif
    values = memory.bindMemory(to: Float.self)
    // Touches every page now: the training loop faults none in.
    values.initialize(repeating: 0)
  }

  deinit { values.deallocate() }
}
