import Foundation
import LockstepWeights

/// Memory for the tensors of one checkpoint, reused for the next.
final class SnapshotBuffer: @unchecked Sendable {
  // Sendable: the writer hands it to the background only while nobody else touches it.
  private var memory = UnsafeMutableBufferPointer<Float>(start: nil, count: 0)

  private static let hugePageByteCount = 1 << 21

  deinit { memory.deallocate() }

  /// Memory for so many elements, the same as before unless it must grow. What was in it is lost
  /// when it grows.
  ///
  /// - Parameter available: Bytes that the host can give, once this memory is given back; nil: it does not say.
  /// - Returns: Nil where an eighth of these would not be left: training goes on beside it.
  func reserve(
    _ count: Int, available: () -> Int?
  ) -> UnsafeMutableBufferPointer<Float>? {
    if memory.count < count {
      release()
      let byteCount = count * MemoryLayout<Float>.stride
      if let available = available(), byteCount > available - available / 8 { return nil }
      let raw = UnsafeMutableRawBufferPointer.allocate(
        byteCount: byteCount, alignment: Self.hugePageByteCount)
      #if os(Linux)
        // Advice only. Linux backs the memory with pages of 2 MB: far fewer to fault in.
        madvise(raw.baseAddress, byteCount, MADV_HUGEPAGE)
      #endif
      memory = raw.bindMemory(to: Float.self)
      // Touches every page now, so that copying later faults none in.
      memory.initialize(repeating: 0)
    }
    return UnsafeMutableBufferPointer(rebasing: memory[..<count])
  }

  /// Gives the memory back.
  func release() {
    memory.deallocate()
    memory = UnsafeMutableBufferPointer(start: nil, count: 0)
  }

  /// Whether a tensor lies in this memory.
  func contains(_ tensor: TensorView) -> Bool {
    guard let start = memory.baseAddress, let first = tensor.values.baseAddress else {
      return false
    }
    let base = UnsafePointer(start)
    return first >= base && first + tensor.values.count <= base + memory.count
  }
}
