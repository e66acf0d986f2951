extension [OptimizedTensor] {
  /// The tensors with a smaller rate the nearer they are to the input (Clark et al., "ELECTRA", 2020, table 6):
  /// times `decay` for each block between a tensor and the head, and once more for the embeddings.
  ///
  /// Block i of L is the tensors whose names have the number i in them; its factor is decay^(L - i). What comes
  /// before the first block has decay^(L + 1), what comes after the last one 1. So the tensors are those of a model
  /// with one stack of blocks, in the order in which it computes with them.
  ///
  /// - Parameter decay: From 0 to 1; 1 changes nothing.
  public func decayed(perLayer decay: Double) -> [OptimizedTensor] {
    guard decay != 1 else { return self }
    let blocks = map(\.block)
    let count = (blocks.compactMap(\.self).max() ?? -1) + 1
    let first = blocks.firstIndex { $0 != nil } ?? endIndex
    return zip(indices, self).map { index, tensor in
      let distance =
        blocks[index].map { count - $0 } ?? (index < first && count > 0 ? count + 1 : 0)
      var tensor = tensor
      for _ in 0..<distance { tensor.rate *= decay }
      return tensor
    }
  }
}

extension OptimizedTensor {
  /// The number of the block that it belongs to: the first part of its name that is a number; nil: there is none.
  fileprivate var block: Int? {
    name.split(separator: ".").lazy.compactMap { Int($0) }.first { 0...65_536 ~= $0 }
  }
}
