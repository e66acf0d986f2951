import LockstepTensors

extension AttentionMask {
  /// Every query sees its text, a source or its own, up to the text's length.
  ///
  /// - Parameters:
  ///   - lengths: Tokens of each text, [B].
  ///   - queries: T, queries to each text.
  static func texts(of lengths: [Int], queries: Int) -> AttentionMask {
    .ranges(
      KeyRanges(
        lower: [Int32](repeating: 0, count: lengths.count * queries),
        upper: lengths.flatMap { repeatElement(Int32($0), count: queries) }))
  }
}
