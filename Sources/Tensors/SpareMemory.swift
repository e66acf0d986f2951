/// How much may be kept between forward and backward only so that it is not computed again: whoever comes
/// first gets it, as long as there is some. What is done with it changes time and memory, and no result.
///
/// Used by the thread of its workspace.
package final class SpareMemory {
  /// Floats that are not handed out.
  package private(set) var left: Int

  /// - Parameter count: Floats in all.
  init(count: Int) { left = count }

  /// Uninitialised elements; nil if so many are not left, or the host has not much more: what can be done
  /// without must not be what ends a run.
  package func elements(_ shape: Shape, in workspace: Workspace) -> SpareElements? {
    guard shape.count <= left, workspace.pool.canAfford(shape.count) else { return nil }
    left -= shape.count
    return SpareElements(Tensor(uninitialized: shape, in: workspace), of: self)
  }

  fileprivate func takeBack(_ count: Int) { left += count }
}

/// Elements that give their part of spare memory back with their last reference.
package final class SpareElements {
  let tensor: Tensor
  private let memory: SpareMemory

  fileprivate init(_ tensor: Tensor, of memory: SpareMemory) {
    self.tensor = tensor
    self.memory = memory
  }

  deinit { memory.takeBack(tensor.count) }
}
