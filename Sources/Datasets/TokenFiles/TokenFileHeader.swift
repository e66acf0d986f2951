/// The first kilobyte of a token file: 256 little-endian 32-bit words, as in llm.c.
///
/// | word | holds |
/// |---|---|
/// | 0 | magic: 20240520 for tokens of 16 bits, 20240801 for 32 bits |
/// | 1 | version: 1 with the former magic, 7 with the latter |
/// | 2 | number of tokens |
/// | 3 | Lockstep: number of tokens in the vocabulary, V; 0 if unknown |
/// | 4–7 | Lockstep: the first 16 bytes of the tokenizer's hash; 0 if unknown |
///
/// llm.c writes zero into all words from 3 on and does not read them.
///
/// Source: `dev/data/data_common.py` in llm.c.
struct TokenFileHeader: Equatable {
  static let wordCount = 256
  static let byteCount = 4 * wordCount

  /// How many bytes a token takes.
  enum Width: Int, CaseIterable {
    case two = 2
    case four = 4

    var magic: Int32 { self == .two ? 20_240_520 : 20_240_801 }
    var version: Int32 { self == .two ? 1 : 7 }

    /// The narrowest width for a vocabulary.
    init(vocabularyCount: Int) {
      self = vocabularyCount <= 1 << 16 ? .two : .four
    }
  }

  var width: Width
  var tokenCount: Int
  /// V, or nil if the file does not say.
  var vocabularyCount: Int?
  /// Four words of the tokenizer's hash; zeros if the file does not say.
  var tokenizerWords: [UInt32]

  init(width: Width, tokenCount: Int, vocabularyCount: Int?, tokenizerHash: TokenizerHash?) {
    self.width = width
    self.tokenCount = tokenCount
    self.vocabularyCount = vocabularyCount
    tokenizerWords = tokenizerHash?.words ?? [0, 0, 0, 0]
  }

  /// Reads and checks the header of a file.
  ///
  /// - Parameters:
  ///   - file: The file's bytes, at least those of the header, if there are so many.
  ///   - fileByteCount: How many it has in all.
  /// - Throws: `TokenFileError` for all that is wrong with it, the file's size included.
  init(
    of file: UnsafeRawBufferPointer, fileByteCount: Int, path: String
  ) throws(TokenFileError) {
    guard file.count >= Self.byteCount else {
      throw .noHeader(path: path, byteCount: fileByteCount)
    }
    func word(_ index: Int) -> Int32 {
      Int32(littleEndian: file.loadUnaligned(fromByteOffset: 4 * index, as: Int32.self))
    }
    guard let width = Width.allCases.first(where: { $0.magic == word(0) }) else {
      throw .wrongMagic(path: path, found: word(0))
    }
    guard word(1) == width.version else {
      throw .wrongVersion(path: path, found: word(1), expected: width.version)
    }
    guard word(2) >= 0 else {
      throw .wrongHeader(path: path, offset: 8, found: word(2), expected: "a number of tokens")
    }
    guard word(3) >= 0 else {
      throw .wrongHeader(path: path, offset: 12, found: word(3), expected: "a vocabulary's size")
    }
    self.width = width
    tokenCount = Int(word(2))
    vocabularyCount = word(3) == 0 ? nil : Int(word(3))
    tokenizerWords = (4..<8).map { UInt32(bitPattern: word($0)) }
    let expected = Self.byteCount + tokenCount * width.rawValue
    guard fileByteCount == expected else {
      throw .wrongSize(
        path: path, tokenCount: tokenCount, expected: expected, byteCount: fileByteCount)
    }
  }

  /// The header as it stands in a file.
  var bytes: [UInt8] {
    let words =
      [width.magic, width.version, Int32(tokenCount), Int32(vocabularyCount ?? 0)]
      + tokenizerWords.map { Int32(bitPattern: $0) }
    let padded = words + [Int32](repeating: 0, count: Self.wordCount - words.count)
    return padded.flatMap { word in withUnsafeBytes(of: word.littleEndian) { Array($0) } }
  }
}
