// B pairs, S positions of a source, T positions of a target.

/// The tokens of one micro-batch of pairs.
///
/// Made once and filled again for every micro-batch; shapes differ from batch to batch.
public struct PairBatch: Sendable, Equatable {
  /// B.
  public private(set) var sequenceCount = 0
  /// S.
  public private(set) var sourcePositionCount = 0
  /// T.
  public private(set) var targetPositionCount = 0
  /// The sources, each with its end; zeros behind, [B, S].
  public private(set) var sources: [Int32] = []
  /// Tokens of each source, [B].
  public private(set) var sourceLengths: [Int] = []
  /// What the decoder reads: "begin", then the target; zeros behind, [B, T].
  public private(set) var inputs: [Int32] = []
  /// What it is to predict: the target, then its end; ``TokenBatch/ignoredTarget`` behind, [B, T].
  public private(set) var targets: [Int32] = []
  /// Targets that count.
  public private(set) var targetCount = 0

  public init() {}

  /// Fills the batch with these pairs; S and T are the lengths of the longest.
  ///
  /// - Parameter pairs: Numbers of B pairs.
  mutating func fill(with pairs: ArraySlice<Int32>, of file: PairFile) {
    let lengths = pairs.map { file.lengths(of: Int($0)) }
    sequenceCount = pairs.count
    sourcePositionCount = lengths.reduce(1) { max($0, $1.source) }
    targetPositionCount = lengths.reduce(1) { max($0, $1.target) }
    sources.assign(0, count: pairs.count * sourcePositionCount)
    inputs.assign(0, count: pairs.count * targetPositionCount)
    targets.assign(TokenBatch.ignoredTarget, count: pairs.count * targetPositionCount)
    sourceLengths.removeAll(keepingCapacity: true)
    targetCount = 0
    for (row, pair) in pairs.enumerated() {
      let (source, target) = file.ranges(of: Int(pair))
      sourceLengths.append(source.count)
      targetCount += target.count
      let sourceStart = row * sourcePositionCount
      let targetStart = row * targetPositionCount
      sources.withUnsafeMutableBufferPointer {
        file.source.copyTokens(source, into: .init(rebasing: $0[sourceStart...]))
      }
      targets.withUnsafeMutableBufferPointer {
        file.target.copyTokens(target, into: .init(rebasing: $0[targetStart...]))
      }
      inputs[targetStart] = file.endOfText
      for place in targetStart + 1..<targetStart + target.count {
        inputs[place] = targets[place - 1]
      }
    }
  }
}

extension [Int32] {
  /// Makes the array `count` times this value, in the memory that it has.
  fileprivate mutating func assign(_ value: Int32, count: Int) {
    removeAll(keepingCapacity: true)
    append(contentsOf: repeatElement(value, count: count))
  }
}
