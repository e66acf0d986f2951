import LockstepFiles

/// Writes a token file, piece by piece. The file appears under its name when it is complete.
public final class TokenFileWriter {
  /// Number of tokens written so far.
  public private(set) var count = 0

  private let file: AtomicFile
  private let width: TokenFileHeader.Width
  private let vocabularyCount: Int
  private let tokenizerHash: TokenizerHash?

  /// Begins a file; one that has the name already stays until ``finish()``.
  ///
  /// - Parameters:
  ///   - path: The file's name.
  ///   - vocabularyCount: Number of tokens in the vocabulary, V. Up to 65,536 a token takes 2 bytes,
  ///     above 4.
  ///   - tokenizerHash: The tokenizer's; stored so that another one is recognised. Default: unknown.
  /// - Throws: `FileError` if the directory cannot be written to.
  public init(
    path: String, vocabularyCount: Int, tokenizerHash: TokenizerHash? = nil
  ) throws(FileError) {
    precondition(vocabularyCount > 0 && vocabularyCount <= Int32.max)
    file = try AtomicFile(path: path)
    width = TokenFileHeader.Width(vocabularyCount: vocabularyCount)
    self.vocabularyCount = vocabularyCount
    self.tokenizerHash = tokenizerHash
    try file.write(header.bytes)
  }

  private var header: TokenFileHeader {
    TokenFileHeader(
      width: width, tokenCount: count, vocabularyCount: vocabularyCount,
      tokenizerHash: tokenizerHash)
  }

  /// Appends tokens.
  ///
  /// - Parameter tokens: Ids in 0 ..< V. An id outside is a programmer error.
  /// - Throws: `FileError` if the disk is full; `TokenFileError.tooManyTokens`.
  public func append(_ tokens: [Int32]) throws {
    try tokens.withUnsafeBufferPointer { try append($0) }
  }

  /// Appends tokens.
  ///
  /// - Parameter tokens: Ids in 0 ..< V. An id outside is a programmer error.
  /// - Throws: `FileError` if the disk is full; `TokenFileError.tooManyTokens`.
  public func append(_ tokens: UnsafeBufferPointer<Int32>) throws {
    if count + tokens.count > Int32.max { throw TokenFileError.tooManyTokens(path: file.path) }
    for token in tokens {
      precondition(
        token >= 0 && Int(token) < vocabularyCount,
        "token \(token) is outside of the vocabulary of \(vocabularyCount)")
    }
    switch width {
    case .two: try write(tokens.map { UInt16(truncatingIfNeeded: $0).littleEndian })
    case .four: try write(tokens.map { UInt32(truncatingIfNeeded: $0).littleEndian })
    }
    count += tokens.count
  }

  private func write(_ words: [some FixedWidthInteger]) throws(FileError) {
    try words.withUnsafeBufferPointer { (words) throws(FileError) in
      try file.write(UnsafeRawBufferPointer(words))
    }
  }

  /// Completes the file and makes it appear under its name.
  ///
  /// - Throws: `FileError`; then no file has appeared.
  public func finish() throws(FileError) {
    try file.rewrite(header.bytes)
    try file.commit()
  }
}
