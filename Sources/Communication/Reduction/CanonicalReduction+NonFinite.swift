extension CanonicalReduction {
  /// Partial sums are still in the leaf buffers, but for one: what a rank owns of the result took
  /// the place of its first. What no other partial sum explains must have come from that.
  public func locateNonFinite() throws -> NonFiniteGradient? {
    // The squares of finite floats can not overflow a double: this block has the first.
    let squares = ledger.blockSquares
    guard let block = squares.firstIndex(where: { !$0.isFinite }) else { return nil }
    let elements = partition.elements(ofBlock: block)
    let isOwner = partition.owner(ofBlock: block) == communicator.rank

    func firstElement(inBuffer buffer: Int) -> Int? {
      elements.first { !buffers[buffer][$0].isFinite }
    }
    let candidates = plan.pending.dropFirst(isOwner ? 1 : 0)
    let found = candidates.lazy.compactMap { pending in
      firstElement(inBuffer: pending.buffer).map { (pending.node, $0) }
    }.first
    let inResult = isOwner ? firstElement(inBuffer: plan.pending[0].buffer) : nil
    let none = UInt64.max
    var words = [none, none, none, inResult.map { UInt64($0) } ?? none]
    if let (node, element) = found {
      words.replaceSubrange(
        0..<3, with: [node.lowerBound, node.upperBound, element].map { UInt64($0) })
    }
    try communicator.meet(CollectiveCall(.locateNonFinite), contributing: words)

    for rank in 0..<communicator.size {
      let words = communicator.contribution(of: rank)
      guard words[0] != none else { continue }
      return NonFiniteGradient(
        rank: rank, microbatches: Int(words[0])..<Int(words[1]), element: Int(words[2]))
    }
    for rank in 0..<communicator.size {
      let element = communicator.contribution(of: rank)[3]
      guard element != none else { continue }
      let owned = division.leaves(of: rank)
      return NonFiniteGradient(
        rank: rank, microbatches: FoldPlan(tree: tree, owned: owned).pending[0].node,
        element: Int(element))
    }
    return nil
  }
}
