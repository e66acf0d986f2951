import LockstepFiles

/// The tokens of a text, in a file mapped into memory.
///
/// The format is llm.c's; see `TokenFileHeader`. Opening checks the header and the file's size,
/// not the tokens: ``requireTokens(below:)`` does. Of an encrypted file the chunks are decrypted that are
/// asked for.
public final class TokenFile: Sendable {
  /// The file's path, as it was given.
  public let path: String
  private let header: TokenFileHeader
  /// The file as it is stored.
  private let file: MappedFile
  /// What an encrypted file holds; nil for others.
  private let encrypted: (any EncryptedContent)?

  /// Opens and checks a token file.
  ///
  /// - Throws: `TokenFileError` if it cannot be read or decrypted, is no token file, or is truncated.
  public convenience init(path: String) throws(TokenFileError) {
    let file: MappedFile
    do throws(FileError) {
      file = try MappedFile(storedAt: path)
    } catch {
      throw .unreadable(path: path, reason: error.reason)
    }
    try self.init(path: path, file: file)
  }

  /// Checks a token file that is in memory already.
  ///
  /// - Parameters:
  ///   - path: What errors call it.
  ///   - bytes: The whole file, as it is stored. Nothing changes them any more.
  ///   - owner: Keeps the bytes.
  /// - Throws: `TokenFileError` if it is no token file, or is truncated.
  public convenience init(
    path: String, bytes: UnsafeRawBufferPointer, owner: any Sendable
  ) throws(TokenFileError) {
    try self.init(path: path, file: MappedFile(viewing: bytes, owner: owner))
  }

  private init(path: String, file: MappedFile) throws(TokenFileError) {
    self.path = path
    self.file = file
    guard EncryptedFiles.isEncrypted(file.bytes) else {
      encrypted = nil
      header = try TokenFileHeader(of: file.bytes, fileByteCount: file.count, path: path)
      return
    }
    var start = [UInt8](repeating: 0, count: TokenFileHeader.byteCount)
    let content: any EncryptedContent
    do throws(FileError) {
      content = try EncryptedFiles.open(file, path: path)
      let count = min(start.count, content.count)
      try start.lentForFilling { (bytes) throws(FileError) in
        try content.read(0..<count, into: bytes)
      }
      start.removeSubrange(count...)
    } catch {
      throw .unreadable(path: path, reason: error.reason)
    }
    encrypted = content
    header = try start.withUnsafeBufferPointer { (bytes) throws(TokenFileError) in
      try TokenFileHeader(
        of: UnsafeRawBufferPointer(bytes), fileByteCount: content.count, path: path)
    }
  }

  /// Number of bytes of the whole file, as it is stored.
  public var byteCount: Int { file.count }

  /// Copies bytes of the file as they are stored.
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
      return Array(bytes.prefix(TokenFileHeader.byteCount))
        + places.flatMap { bytes[$0..<min($0 + 4, bytes.count)] }
    }
  }

  /// Bytes that are looked at together where all are.
  private static let pieceByteCount = 4 << 20

  /// Calls `body` with all bytes of the file, decrypted, piece by piece: their place, and the bytes, which
  /// stay where they are until it returns.
  private func forEachPiece(
    from first: Int, _ body: (Int, UnsafeRawBufferPointer) -> Void
  ) throws(TokenFileError) {
    guard let encrypted else {
      file.withBytes { body(first, UnsafeRawBufferPointer(rebasing: $0[first...])) }
      return
    }
    var buffer = [UInt8](repeating: 0, count: min(Self.pieceByteCount, encrypted.count))
    for start in stride(from: first, to: encrypted.count, by: Self.pieceByteCount) {
      let range = start..<min(start + Self.pieceByteCount, encrypted.count)
      do throws(FileError) {
        try buffer.lentForFilling { (bytes) throws(FileError) in
          try encrypted.read(range, into: bytes)
        }
      } catch {
        throw .unreadable(path: path, reason: error.reason)
      }
      buffer.withUnsafeBytes { body(start, UnsafeRawBufferPointer(rebasing: $0[..<range.count])) }
    }
  }

  /// Tells this file's content from another's, header included; of an encrypted file what it holds.
  ///
  /// - Throws: `TokenFileError` where an encrypted file was changed.
  public var digest: ContentDigest {
    get throws(TokenFileError) {
      guard let encrypted else { return file.withBytes { ContentDigest(of: $0) } }
      do throws(FileError) {
        return try ContentDigest(ofByteCount: encrypted.count) {
          (range, bytes) throws(FileError) in try encrypted.read(range, into: bytes)
        }
      } catch {
        throw .unreadable(path: path, reason: error.reason)
      }
    }
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
    let start = TokenFileHeader.byteCount + range.lowerBound * bytesPerToken
    let place = start..<start + range.count * bytesPerToken
    guard let encrypted else {
      file.withBytes { bytes in
        convert(UnsafeRawBufferPointer(rebasing: bytes[place]), into: tokens)
      }
      return
    }
    withUnsafeTemporaryAllocation(byteCount: max(1, place.count), alignment: 8) { buffer in
      do throws(FileError) {
        try encrypted.read(place, into: buffer)
      } catch {
        // All chunks were whole when the file was checked. Files are replaced, never rewritten.
        preconditionFailure("\(error)")
      }
      convert(UnsafeRawBufferPointer(rebasing: buffer[..<place.count]), into: tokens)
    }
  }

  /// - Parameter bytes: Of tokens in the file.
  private func convert(
    _ bytes: UnsafeRawBufferPointer, into tokens: UnsafeMutableBufferPointer<Int32>
  ) {
    switch header.width {
    case .two:
      for index in 0..<bytes.count / 2 {
        let word = bytes.loadUnaligned(fromByteOffset: 2 * index, as: UInt16.self)
        tokens[index] = Int32(UInt16(littleEndian: word))
      }
    case .four:
      for index in 0..<bytes.count / 4 {
        let word = bytes.loadUnaligned(fromByteOffset: 4 * index, as: UInt32.self)
        tokens[index] = Int32(bitPattern: UInt32(littleEndian: word))
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

  /// The largest token; nil if there is none. Reads the whole file, at about memory speed; an encrypted one
  /// at that of decryption, which authenticates every chunk.
  ///
  /// - Throws: `TokenFileError` where an encrypted file was changed.
  public var largestToken: Int? {
    get throws(TokenFileError) {
      guard count > 0 else { return nil }
      var largest = 0
      // A header of 1,024 bytes and pieces of 4 MiB: no token lies across.
      try forEachPiece(from: TokenFileHeader.byteCount) { _, bytes in
        switch header.width {
        case .two:
          let found = bytes.withMemoryRebound(to: UInt16.self) { words in
            Int(words.reduce(0) { max($0, UInt16(littleEndian: $1)) })
          }
          largest = max(largest, found)
        case .four:
          let found = bytes.withMemoryRebound(to: UInt32.self) { words in
            Int(words.reduce(0) { max($0, UInt32(littleEndian: $1)) })
          }
          largest = max(largest, found)
        }
      }
      return largest
    }
  }

  /// Checks that all tokens are in a vocabulary. Reads the whole file, at about memory speed.
  ///
  /// - Parameter vocabularyCount: Number of tokens in the vocabulary, V.
  /// - Throws: `TokenFileError.tokenOutsideVocabulary` for the first that is not.
  public func requireTokens(below vocabularyCount: Int) throws(TokenFileError) {
    guard let largest = try largestToken, largest >= vocabularyCount else { return }
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
    // A mask or sentinels at the tokenizer's end may be a task's, or in texts.
    let possible = tokenizer.vocabulary.hashedCount...tokenizer.vocabularyCount
    if let vocabularyCount, !possible.contains(vocabularyCount) {
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
    try requireTokens(below: vocabularyCount ?? expected)
  }
}
