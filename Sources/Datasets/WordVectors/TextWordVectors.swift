import LockstepSettings

/// A word and its numbers a line, separated by spaces or tabs: word2vec's text format, which has a
/// header, and GloVe's, which has none.
struct TextWordVectors {
  private let bytes: UnsafeRawBufferPointer
  private let path: String
  private let header: WordVectorHeader?
  private let width: Int
  private var position: Int
  private var line: Int

  init(_ bytes: UnsafeRawBufferPointer, path: String, header: WordVectorHeader?, width: Int) {
    self.bytes = bytes
    self.path = path
    self.header = header
    self.width = width
    position = header?.byteCount ?? 0
    line = header == nil ? 0 : 1
  }

  private typealias Field = Slice<UnsafeRawBufferPointer>

  mutating func read(into found: inout FoundVectors) throws(WordVectorError) {
    if header == nil { try requireWidth() }
    while position < bytes.count {
      line += 1
      let fields = nextLine()
      // Empty lines at the end of a file hold no vector.
      guard !fields.isEmpty else { continue }
      let wordFields = fields.count - width
      // Some words of GloVe have spaces in them; none of what follows a space is a number.
      guard wordFields >= 1, !fields[1..<wordFields].contains(where: { number($0) != nil }) else {
        throw .wrongCount(
          path: path, line: line, found: fields.count - 1, expected: width)
      }
      let word = bytes[fields[0].startIndex..<fields[wordFields - 1].endIndex]
      try found.offer(word) { () throws(WordVectorError) in try vector(fields[wordFields...]) }
    }
    if let header, header.count != found.wordCount {
      throw .wrongWordCount(path: path, found: found.wordCount, expected: header.count)
    }
  }

  /// Checks the first line: without a header it says how wide the vectors are.
  private func requireWidth() throws(WordVectorError) {
    var start = self
    let fields = start.nextLine()
    let numbers = fields.dropFirst().reversed().prefix { number($0) != nil }.count
    guard numbers > 0 else { throw .noVectors(path: path) }
    guard numbers == width else {
      throw .otherWidth(path: path, found: numbers, expected: width)
    }
  }

  /// The fields of the line that begins here.
  private mutating func nextLine() -> [Field] {
    var fields: [Field] = []
    fields.reserveCapacity(width + 1)
    var start = position
    while true {
      let byte = position < bytes.count ? bytes[position] : UInt8(ascii: "\n")
      let isEnd = byte == UInt8(ascii: "\n")
      if isEnd || byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t")
        || byte == UInt8(ascii: "\r")
      {
        if start < position { fields.append(bytes[start..<position]) }
        start = position + 1
      }
      position += 1
      if isEnd { return fields }
    }
  }

  private func vector(_ fields: ArraySlice<Field>) throws(WordVectorError) -> [Float] {
    var vector: [Float] = []
    for field in fields {
      guard let number = number(field) else {
        throw .notANumber(
          path: path, line: line, found: String(decoding: field, as: UTF8.self))
      }
      guard abs(number) <= WordVectors.magnitudeLimit else {
        throw .tooLarge(
          path: path, place: "line \(line)", found: String(decoding: field, as: UTF8.self))
      }
      vector.append(number)
    }
    return vector
  }

  private func number(_ field: Field) -> Float? {
    Float(decimal: String(decoding: field, as: UTF8.self))
  }
}
