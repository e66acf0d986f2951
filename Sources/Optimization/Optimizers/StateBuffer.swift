import Foundation
import LockstepParallelism

/// The memory behind an `OptimizerState`: zeros at first, owned by the optimiser that keeps the state.
package final class StateBuffer {
  package let values: UnsafeMutableBufferPointer<Float>

  /// Linux can back aligned memory with pages of this many bytes: a pass over all states then
  /// spends less on translating addresses.
  private static let hugePageByteCount = 1 << 21

  /// - Parameter threads: Share the first touch of the memory, most of which is the system's work.
  package init(count: Int, threads: ThreadPool) {
    let byteCount = count * MemoryLayout<Float>.stride
    let isHuge = byteCount >= 2 * Self.hugePageByteCount
    let memory = UnsafeMutableRawBufferPointer.allocate(
      byteCount: byteCount, alignment: isHuge ? Self.hugePageByteCount : 64)
    #if os(Linux)
      // Advice only: where it is not taken, all goes on as before.
      if isHuge { madvise(memory.baseAddress, byteCount, MADV_HUGEPAGE) }
    #endif
    let values = memory.bindMemory(to: Float.self)
    // Touches every page now: the training loop faults none in.
    threads.run(over: count, grain: Self.hugePageByteCount / MemoryLayout<Float>.stride) { part in
      UnsafeMutableBufferPointer(rebasing: values[part]).initialize(repeating: 0)
    }
    self.values = values
  }

  deinit { values.deallocate() }
}
