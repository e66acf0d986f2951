extension Tokenizer {
  /// The bytes that tokens stand for; special tokens give their names.
  ///
  /// - Parameter tokens: Ids in 0 ..< V. An id outside is a programmer error.
  public func decodeBytes(_ tokens: some Sequence<Int32>) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(4 * tokens.underestimatedCount)
    let (vocabulary, decoding) = (vocabulary, decoding)
    var isFirst = true
    for token in tokens {
      decoding.append(vocabulary.bytes(of: token), isFirst: isFirst, to: &bytes)
      isFirst = false
    }
    return bytes
  }

  /// The text that tokens stand for; bytes that are no UTF-8 become U+FFFD.
  ///
  /// - Parameter tokens: Ids in 0 ..< V. An id outside is a programmer error.
  public func decode(_ tokens: some Sequence<Int32>) -> String {
    String(decoding: decodeBytes(tokens), as: UTF8.self)
  }
}
