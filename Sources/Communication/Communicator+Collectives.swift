extension Communicator {
  /// Waits for all ranks. Collective.
  public func barrier() throws {
    try meet(CollectiveCall(.barrier))
  }

  /// Copies `bytes` of rank `root` to all ranks. Collective.
  ///
  /// Messages follow a binomial tree: rank r, counted from the root, receives from r with its
  /// highest bit cleared.
  ///
  /// - Parameter bytes: The same number on all ranks; any length.
  public func broadcast(_ bytes: UnsafeMutableRawBufferPointer, from root: Int = 0) throws {
    try meet(CollectiveCall(.broadcast, byteCount: bytes.count, root: root))
    try spread(bytes, from: root, among: Array(0..<size))
  }

  /// The values of every rank, in rank order. Collective.
  ///
  /// - Parameter values: Few: they travel through the control channel. The same number on all ranks.
  public func allGather(_ values: [Double]) throws -> [[Double]] {
    try allGather(words: values.map(\.bitPattern)).map { $0.map(Double.init(bitPattern:)) }
  }

  /// The words of every rank, in rank order. Collective.
  ///
  /// - Parameter words: Few: they travel through the control channel. The same number on all ranks.
  public func allGather(words: [UInt64]) throws -> [[UInt64]] {
    var gathered = [[UInt64]](repeating: [], count: size)
    var start = 0
    repeat {
      let end = min(start + Self.contributionCapacity, words.count)
      try meet(
        CollectiveCall(.allGather, byteCount: words.count * 8),
        contributing: Array(words[start..<end]))
      for rank in 0..<size { gathered[rank] += contribution(of: rank).prefix(end - start) }
      start = end
    } while start < words.count
    return gathered
  }

  /// Sends and receives all messages of a batch. Not a collective: the ranks named take part.
  public func exchange(_ batch: MessageBatch) throws {
    try start(batch)
    try finish(batch)
  }

  /// Sends bytes to a rank that receives as many.
  public func send(_ bytes: UnsafeRawBufferPointer, to peer: Int) throws {
    let batch = MessageBatch()
    batch.send(bytes, to: peer)
    try exchange(batch)
  }

  /// Receives bytes that `peer` sends.
  public func receive(into bytes: UnsafeMutableRawBufferPointer, from peer: Int) throws {
    let batch = MessageBatch()
    batch.receive(into: bytes, from: peer)
    try exchange(batch)
  }

  /// Spreads `bytes` of `root` along a binomial tree over `ranks`, which contain both.
  package func spread(
    _ bytes: UnsafeMutableRawBufferPointer, from root: Int, among ranks: [Int]
  ) throws {
    guard let rootPlace = ranks.firstIndex(of: root), let myPlace = ranks.firstIndex(of: rank)
    else { return }
    let count = ranks.count
    let place = (myPlace + count - rootPlace) % count
    func peer(_ place: Int) -> Int { ranks[(place + rootPlace) % count] }

    if place > 0 {
      let highestBit = 1 << (Int.bitWidth - 1 - place.leadingZeroBitCount)
      try receive(into: bytes, from: peer(place - highestBit))
    }
    let sends = MessageBatch()
    var bit = place == 0 ? 1 : 1 << (Int.bitWidth - place.leadingZeroBitCount)
    while place + bit < count {
      sends.send(UnsafeRawBufferPointer(bytes), to: peer(place + bit))
      bit <<= 1
    }
    try exchange(sends)
  }
}
