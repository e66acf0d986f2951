import LockstepFiles

// D width, V vocabulary.

/// Pretrained vectors of those words that a vocabulary has as tokens.
///
/// A token stands for the word that its bytes spell, without the space before it: both `king` and
/// ` king` get the vector of `king`. Case counts. Of a word that is there twice the first vector
/// counts.
public struct WordVectors: Sendable {
  /// How the file is written.
  public enum Format: String, Sendable {
    case word2vecText = "word2vec text"
    case word2vecBinary = "word2vec binary"
    case glove = "GloVe text"
  }

  /// The file.
  public let path: String
  public let format: Format
  /// Tokens that have a vector, ascending, [n].
  public let tokens: [Int32]
  /// Their vectors, [n, D].
  public let elements: [Float]
  /// Words in the file.
  public let wordCount: Int

  /// Tokens that were looked for, special ones not counted.
  public let soughtCount: Int

  /// One line for the console.
  public var summary: String {
    "\(path), \(format.rawValue), \(wordCount) words: vectors for \(tokens.count) of "
      + "\(soughtCount) tokens"
  }

  /// No number of a vector is larger, up or down: real ones are below 100, and with such as these
  /// training would diverge at once.
  static let magnitudeLimit: Float = 1e6

  /// Reads a file, gzipped or not; its content tells the format.
  ///
  /// - Parameters:
  ///   - path: Vectors as word2vec (text or binary), gensim, fastText (`.vec`) or GloVe write them.
  ///   - vocabulary: Whose tokens are looked for.
  ///   - width: D, numbers that each vector must have.
  /// - Throws: `WordVectorError`.
  public init(path: String, vocabulary: Vocabulary, width: Int) throws(WordVectorError) {
    let file = try WordVectorBytes(path: path)
    self = try file.withBytes { bytes throws(WordVectorError) in
      let markLength: Int
      do throws(ByteOrderMark.NotUTF8) {
        markLength = try ByteOrderMark.length(in: bytes)
      } catch {
        throw .unreadable(path: path, reason: "\(error)")
      }
      return try WordVectors(
        UnsafeRawBufferPointer(rebasing: bytes[markLength...]), path: path, vocabulary: vocabulary,
        width: width)
    }
  }

  /// As ``init(path:vocabulary:width:)``, of what is in the file, without a byte order mark.
  package init(
    _ bytes: UnsafeRawBufferPointer, path: String, vocabulary: Vocabulary, width: Int
  ) throws(WordVectorError) {
    var found = FoundVectors(vocabulary)
    let header = WordVectorHeader(bytes)
    if let header, header.width != width {
      throw .otherWidth(path: path, found: header.width, expected: width)
    }
    if let header, header.precedesBinary(bytes) {
      format = .word2vecBinary
      var reader = BinaryWordVectors(bytes, path: path, header: header)
      try reader.read(into: &found)
    } else {
      format = header == nil ? .glove : .word2vecText
      var reader = TextWordVectors(bytes, path: path, header: header, width: width)
      try reader.read(into: &found)
    }
    self.path = path
    wordCount = found.wordCount
    soughtCount = found.soughtCount
    (tokens, elements) = found.rows
  }
}

/// Vectors as they are found, by the tokens that stand for their words.
struct FoundVectors {
  private let tokens: [[UInt8]: [Int32]]
  private var vectors: [Int32: [Float]] = [:]
  /// Words offered so far.
  private(set) var wordCount = 0
  /// Tokens that words are looked for.
  let soughtCount: Int

  init(_ vocabulary: Vocabulary) {
    var tokens: [[UInt8]: [Int32]] = [:]
    for token in 0..<Int32(vocabulary.count) where !vocabulary.isSpecial(token) {
      let bytes = vocabulary.bytes(of: token)
      let word = bytes.count > 1 && bytes.first == UInt8(ascii: " ") ? bytes.dropFirst() : bytes
      tokens[Array(word), default: []].append(token)
    }
    self.tokens = tokens
    soughtCount = tokens.values.reduce(0) { $0 + $1.count }
  }

  /// Counts a word of the file, and takes its vector where tokens stand for it that have none.
  mutating func offer(
    _ word: some Sequence<UInt8>, vector: () throws(WordVectorError) -> [Float]
  ) throws(WordVectorError) {
    wordCount += 1
    guard let tokens = tokens[Array(word)], vectors[tokens[0]] == nil else { return }
    let vector = try vector()
    for token in tokens { vectors[token] = vector }
  }

  /// Tokens, ascending, and their vectors.
  var rows: (tokens: [Int32], elements: [Float]) {
    let tokens = vectors.keys.sorted()
    return (tokens, tokens.flatMap { vectors[$0] ?? [] })
  }
}

/// The first line of word2vec's formats: how many words, and how many numbers each has.
struct WordVectorHeader {
  let count: Int
  let width: Int
  /// Of the line, its end included.
  let byteCount: Int

  /// Nil where the first line is not two whole numbers.
  init?(_ bytes: UnsafeRawBufferPointer) {
    guard let end = bytes.prefix(64).firstIndex(of: UInt8(ascii: "\n")) else { return nil }
    let fields = bytes[..<end].split { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\r") }
    let numbers = fields.compactMap { field in
      field.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
        ? Int(String(decoding: field, as: UTF8.self)) : nil
    }
    guard fields.count == 2, numbers.count == 2 else { return nil }
    (count, width) = (numbers[0], numbers[1])
    byteCount = end + 1
  }

  /// Whether what follows can not be text: it has control characters, or bytes that UTF-8 has not.
  func precedesBinary(_ bytes: UnsafeRawBufferPointer) -> Bool {
    bytes[byteCount...].prefix(1 << 16).contains { byte in
      (byte < 0x20 && !(0x09...0x0D).contains(byte)) || byte == 0xC0 || byte == 0xC1 || byte > 0xF4
    }
  }
}
