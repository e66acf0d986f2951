/// word2vec's binary format: after the header, each word, a space, and its numbers as little-endian
/// 32-bit floats; some programs end each vector with a line feed.
struct BinaryWordVectors {
  private let bytes: UnsafeRawBufferPointer
  private let path: String
  private let header: WordVectorHeader
  private var position: Int

  init(_ bytes: UnsafeRawBufferPointer, path: String, header: WordVectorHeader) {
    self.bytes = bytes
    self.path = path
    self.header = header
    position = header.byteCount
  }

  mutating func read(into found: inout FoundVectors) throws(WordVectorError) {
    for index in 0..<header.count {
      skipLineFeeds()
      let truncation = WordVectorError.truncated(
        path: path, byteCount: bytes.count, vector: index + 1, expected: header.count)
      guard let space = bytes[position...].firstIndex(of: UInt8(ascii: " ")) else {
        throw truncation
      }
      let (word, start) = (bytes[position..<space], space + 1)
      position = start + 4 * header.width
      guard position <= bytes.count else { throw truncation }
      try found.offer(word) { () throws(WordVectorError) in try vector(of: word, at: start) }
    }
    skipLineFeeds()
    guard position == bytes.count else {
      throw .tooLong(path: path, end: position, byteCount: bytes.count)
    }
  }

  private mutating func skipLineFeeds() {
    while position < bytes.count, bytes[position] == UInt8(ascii: "\n") { position += 1 }
  }

  private func vector(
    of word: Slice<UnsafeRawBufferPointer>, at start: Int
  ) throws(WordVectorError) -> [Float] {
    let vector = (0..<header.width).map { column in
      Float(
        bitPattern: UInt32(
          littleEndian: bytes.loadUnaligned(fromByteOffset: start + 4 * column, as: UInt32.self)))
    }
    let isWrong = { (number: Float) in !(abs(number) <= WordVectors.magnitudeLimit) }
    guard let wrong = vector.firstIndex(where: isWrong) else { return vector }
    let (word, offset) = (String(decoding: word, as: UTF8.self), start + 4 * wrong)
    guard vector[wrong].isFinite else { throw .notFinite(path: path, word: word, offset: offset) }
    throw .tooLarge(
      path: path, place: "byte \(offset), in the vector of \"\(word)\"",
      found: "\(vector[wrong])")
  }
}
