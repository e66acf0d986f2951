import LockstepFiles

/// The tokens of a text, in a file mapped into memory.
///
/// The format is llm.c's; see `TokenFileHeader`. Opening checks the header and the file's size,
/// not the tokens: ``requireTokens(below:)`` does.
public final class TokenFile: Sendable {
  /// The file's path, as it was given.
  public let path: String
  private let header: TokenFileHeader
  private let file: MappedFile

  /// Opens and checks a token file.
  ///
  /// - Throws: `TokenFileError` if it cannot be read, is no token file, or is truncated.
  public init(path: String) throws(TokenFileError) {
    self.path = path
    do throws(FileError) {
      file = try MappedFile(path: path)
    } catch {
      throw .unreadable(path: path, reason: error.reason)
    }
    header = try TokenFileHeader(of: file.bytes, path: path)
  }

  /// Checks a token file that is in memory already.
  ///
  /// - Parameters:
  ///   - path: What errors call it.
  ///   - bytes: The whole file. Nothing changes them any more.
  ///   - owner: Keeps the bytes.
  /// - Throws: `TokenFileError` if it is no token file, or is truncated.
  public init(
    path: String, bytes: UnsafeRawBufferPointer, owner: any Sendable
  ) throws(TokenFileError) {
    self.path = path
    file = MappedFile(viewing: bytes, owner: owner)
    header = try TokenFileHeader(of: file.bytes, path: path)
  }

  /// Number of bytes of the whole file.
  public var byteCount: Int { file.count }

  /// Copies bytes of the file as they are.
  ///
  /// - Parameters:
  ///   - range: In 0 ..< byteCount.
  ///   - destination: At least `range.count` bytes.
  public func copyBytes(_ range: Range<Int>, into destination: UnsafeMutableRawBufferPointer) {
    file.withBytes { bytes in
      destination.copyMemory(from: UnsafeRawBufferPointer(rebasing: bytes[range]))
    }
  }

  /// What two copies of a file have in common and two different files hardly do: the header, and a
  /// few bytes from each of 4,096 places.
  public var fingerprint: [UInt8] {
    file.withBytes { bytes in
      let step = max(1, (bytes.count - TokenFileHeader.byteCount) / 4096)
      let places = stride(from: TokenFileHeader.byteCount, to: bytes.count, by: step)
      return Array(bytes[..<TokenFileHeader.byteCount])
        + places.flatMap { bytes[$0..<min($0 + 4, bytes.count)] }
    }
  }

  /// All bytes of the file, which stay where they are until `body` returns.
  func withBytes<Result>(_ body: (UnsafeRawBufferPointer) -> Result) -> Result {
    file.withBytes(body)
  }

  /// Number of tokens in the file.
  public var count: Int { header.tokenCount }

  /// Number of tokens in the vocabulary, V; nil if the file does not say.
  public var vocabularyCount: Int? { header.vocabularyCount }

  /// Number of bytes a token takes in the file: 2 or 4.
  public var bytesPerToken: Int { header.width.rawValue }

  /// The first 16 bytes of the tokenizer's hash in hexadecimal; nil if the file does not say.
  public var tokenizerHashPrefix: String? {
    guard header.tokenizerWords.contains(where: { $0 != 0 }) else { return nil }
    return header.tokenizerWords.flatMap { word in
      withUnsafeBytes(of: word.littleEndian) { Array($0) }
    }.hexadecimal
  }

  /// Copies consecutive tokens.
  ///
  /// - Parameters:
  ///   - range: Positions in 0 ..< count. Others are a programmer error.
  ///   - tokens: Where the ids go; at least `range.count` elements.
  public func copyTokens(_ range: Range<Int>, into tokens: UnsafeMutableBufferPointer<Int32>) {
    precondition(
      range.lowerBound >= 0 && range.upperBound <= count,
      "tokens \(range) are not in the \(count) of \(path)")
    precondition(tokens.count >= range.count, "no room for \(range.count) tokens")
    file.withBytes { bytes in
      let start = TokenFileHeader.byteCount + range.lowerBound * bytesPerToken
      switch header.width {
      case .two:
        for index in 0..<range.count {
          let word = bytes.loadUnaligned(fromByteOffset: start + 2 * index, as: UInt16.self)
          tokens[index] = Int32(UInt16(littleEndian: word))
        }
      case .four:
        for index in 0..<range.count {
          let word = bytes.loadUnaligned(fromByteOffset: start + 4 * index, as: UInt32.self)
          tokens[index] = Int32(bitPattern: UInt32(littleEndian: word))
        }
      }
    }
  }

  /// Consecutive tokens as an array.
  ///
  /// - Parameter range: Positions in 0 ..< count. Others are a programmer error.
  public func tokens(_ range: Range<Int>) -> [Int32] {
    [Int32](unsafeUninitializedCapacity: range.count) { buffer, count in
      copyTokens(range, into: buffer)
      count = range.count
    }
  }

  /// The largest token; nil if there is none. Reads the whole file, at about memory speed.
  public var largestToken: Int? {
    guard count > 0 else { return nil }
    return file.withBytes { bytes in
      let tokens = UnsafeRawBufferPointer(rebasing: bytes[TokenFileHeader.byteCount...])
      switch header.width {
      case .two:
        return tokens.withMemoryRebound(to: UInt16.self) { words in
          Int(words.reduce(0) { max($0, UInt16(littleEndian: $1)) })
        }
      case .four:
        return tokens.withMemoryRebound(to: UInt32.self) { words in
          Int(words.reduce(0) { max($0, UInt32(littleEndian: $1)) })
        }
      }
    }
  }

  /// Checks that all tokens are in a vocabulary. Reads the whole file, at about memory speed.
  ///
  /// - Parameter vocabularyCount: Number of tokens in the vocabulary, V.
  /// - Throws: `TokenFileError.tokenOutsideVocabulary` for the first that is not.
  public func requireTokens(below vocabularyCount: Int) throws(TokenFileError) {
    guard let largest = largestToken, largest >= vocabularyCount else { return }
    for start in stride(from: 0, to: count, by: 1 << 16) {
      let piece = tokens(start..<min(count, start + 1 << 16))
      // Words of 32 bits are unsigned: those beyond Int32 are outside, too.
      guard let index = piece.firstIndex(where: { $0 < 0 || Int($0) >= vocabularyCount }) else {
        continue
      }
      throw .tokenOutsideVocabulary(
        path: path, token: Int(UInt32(bitPattern: piece[index])),
        offset: TokenFileHeader.byteCount + (start + index) * bytesPerToken,
        vocabularyCount: vocabularyCount)
    }
  }

  /// Checks that the file was made with a tokenizer, as far as the file says, and that all of its
  /// tokens are in the tokenizer's vocabulary.
  ///
  /// - Throws: `TokenFileError.otherTokenizer` or `.tokenOutsideVocabulary`.
  public func requireTokenizer(_ tokenizer: some Tokenizer) throws(TokenFileError) {
    let expected = tokenizer.vocabulary.textCount
    if let vocabularyCount, vocabularyCount != expected {
      throw .otherTokenizer(
        path: path,
        reason: "the file's vocabulary has \(vocabularyCount) tokens, the tokenizer's \(expected)")
    }
    if let tokenizerHashPrefix, header.tokenizerWords != tokenizer.contentHash.words {
      throw .otherTokenizer(
        path: path,
        reason: "the file was made with tokenizer \(tokenizerHashPrefix)…, "
          + "this one is \(tokenizer.contentHash.description.prefix(32))…")
    }
    try requireTokens(below: expected)
  }
}
