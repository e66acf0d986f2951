/// Where the gradients of queries, keys and values go: one memory where they are columns of one
/// tensor.
struct AttentionGradients {
  let queries: Heads
  let keys: Heads
  let values: Heads

  /// Where a gradient goes, and whether it adds to what is there.
  struct Destination {
    let pointer: UnsafeMutablePointer<Float>
    let adds: Bool
  }

  /// Calls `body` with where each gradient goes.
  func withMemory(_ body: (Destination, Destination, Destination) -> Void) {
    guard !overlap else { return withSeparateMemory(body) }
    let (q, k, v) = (queries.tensor, keys.tensor, values.tensor)
    withDestination(of: q) { dq in
      withDestination(of: k, unless: q, dq) { dk in
        if v === k {
          body(dq, dk, dk)
        } else {
          withDestination(of: v, unless: q, dq) { dv in body(dq, dk, dv) }
        }
      }
    }
  }

  /// Heads that share columns would overwrite each other's gradients: each gets zeroed memory of its
  /// own, added up afterwards.
  private func withSeparateMemory(_ body: (Destination, Destination, Destination) -> Void) {
    let gradients = [queries, keys, values].map {
      Tensor(repeating: 0, shape: $0.tensor.shape, in: $0.tensor.workspace)
    }
    body(
      Destination(pointer: gradients[0].pointer, adds: true),
      Destination(pointer: gradients[1].pointer, adds: true),
      Destination(pointer: gradients[2].pointer, adds: true))
    queries.tensor.node?.passGradient(gradients[0])
    keys.tensor.node?.passGradient(gradients[1])
    values.tensor.node?.passGradient(gradients[2])
  }

  private func withDestination(
    of tensor: Tensor, unless known: Tensor, _ destination: Destination,
    _ body: (Destination) -> Void
  ) {
    if tensor === known { body(destination) } else { withDestination(of: tensor, body) }
  }

  private func withDestination(of tensor: Tensor, _ body: (Destination) -> Void) {
    guard tensor.requiresGradient else {
      let scratch = Tensor(uninitialized: tensor.shape, in: tensor.workspace)
      return body(Destination(pointer: scratch.pointer, adds: false))
    }
    let isCovered = covers(tensor)
    tensor.addGradient { pointer, adds in
      if !adds && !isCovered { pointer.update(repeating: 0, count: tensor.count) }
      body(Destination(pointer: pointer, adds: adds || !isCovered))
    }
  }

  /// Whether the heads that lie in this tensor fill it, so that writing them leaves nothing
  /// undefined.
  private func covers(_ tensor: Tensor) -> Bool {
    let parts = [queries, keys, values].filter { $0.tensor === tensor }
    return parts.allSatisfy { $0.positions == tensor.shape[1] }
      && parts.reduce(0) { $0 + $1.count * $1.width } == tensor.shape.last
  }

  private var overlap: Bool {
    func share(_ a: Heads, _ b: Heads) -> Bool {
      a.tensor === b.tensor && a.offset < b.offset + b.count * b.width
        && b.offset < a.offset + a.count * a.width
    }
    return share(queries, keys) || share(queries, values) || share(keys, values)
  }
}
