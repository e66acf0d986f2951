/// Memory for the tensors of one checkpoint, reused for the next.
final class SnapshotBuffer: @unchecked Sendable {
  // Sendable: the writer hands it to the background only while nobody else touches it.
  private var memory = UnsafeMutableBufferPointer<Float>(start: nil, count: 0)

  deinit { memory.deallocate() }

  /// Memory for so many elements, the same as before unless it must grow. What was in it is lost
  /// when it grows.
  func reserve(_ count: Int) -> UnsafeMutableBufferPointer<Float> {
    if memory.count < count {
      memory.deallocate()
      memory = .allocate(capacity: count)
      // Touches every page now, so that copying later faults none in.
      memory.initialize(repeating: 0)
    }
    return UnsafeMutableBufferPointer(rebasing: memory[..<count])
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
