import LockstepDatasets
import TestSupport
import Testing

struct TokenFileTests {
  /// A token file as llm.c writes one: nothing in the header but the first three words.
  private func llmC(_ tokens: [UInt16], magic: Int32 = 20_240_520, version: Int32 = 1) -> [UInt8] {
    var words = [Int32](repeating: 0, count: 256)
    words.replaceSubrange(0..<3, with: [magic, version, Int32(tokens.count)])
    return words.flatMap { word in withUnsafeBytes(of: word.littleEndian) { Array($0) } }
      + tokens.flatMap { token in withUnsafeBytes(of: token.littleEndian) { Array($0) } }
  }

  @Test func readsTheFilesOfLLMC() throws {
    let directory = try TemporaryDirectory()
    let file = try TokenFile(path: directory.write("a.bin", llmC([1, 50_256, 65_535])))
    #expect(file.tokens(0..<3) == [1, 50_256, 65_535])
    #expect(file.tokens(1..<2) == [50_256])
    #expect(file.vocabularyCount == nil)
    #expect(file.tokenizerHashPrefix == nil)
    #expect(try file.largestToken == 65_535)
    #expect(file.bytesPerToken == 2)
  }

  @Test func writesTheBytesOfLLMC() throws {
    let directory = try TemporaryDirectory()
    let path = directory.path + "/a.bin"
    let writer = try TokenFileWriter(path: path, vocabularyCount: 300)
    try writer.append([1, 2])
    try writer.append([299])
    try writer.finish()
    var expected = llmC([1, 2, 299])
    // Word 3 holds the vocabulary's size, which llm.c does not read.
    expected.replaceSubrange(12..<14, with: [44, 1])
    #expect(try readAll(path) == expected)
  }

  @Test(arguments: [65_536, 65_537])
  func widensTokensForLargeVocabularies(vocabularyCount: Int) throws {
    let directory = try TemporaryDirectory()
    let path = directory.path + "/a.bin"
    let tokens: [Int32] = [0, 65_535, Int32(vocabularyCount - 1)]
    let writer = try TokenFileWriter(path: path, vocabularyCount: vocabularyCount)
    try writer.append(tokens)
    try writer.finish()
    let file = try TokenFile(path: path)
    #expect(file.tokens(0..<3) == tokens)
    #expect(file.bytesPerToken == (vocabularyCount > 65_536 ? 4 : 2))
    #expect(file.vocabularyCount == vocabularyCount)
    let start = try readAll(path).prefix(8)
    #expect(
      start.elementsEqual(
        vocabularyCount > 65_536
          ? [0xA1, 0xD9, 0x34, 0x01, 7, 0, 0, 0] : [0x88, 0xD8, 0x34, 0x01, 1, 0, 0, 0]))
  }

  @Test func theFileAppearsWhenItIsFinished() throws {
    let directory = try TemporaryDirectory()
    let path = try directory.write("a.bin", llmC([7]))
    let writer = try TokenFileWriter(path: path, vocabularyCount: 300)
    try writer.append([1, 2])
    #expect(try TokenFile(path: path).tokens(0..<1) == [7])
    try writer.finish()
    #expect(try TokenFile(path: path).tokens(0..<2) == [1, 2])
  }

  @Test func aFileThatIsNotFinishedLeavesNothing() throws {
    let directory = try TemporaryDirectory()
    do {
      let writer = try TokenFileWriter(path: directory.path + "/a.bin", vocabularyCount: 300)
      try writer.append([1, 2])
    }
    #expect(try directory.names().isEmpty)
  }

  @Test func damagedFilesAreErrorsThatNameTheFileAndTheByte() throws {
    let directory = try TemporaryDirectory()
    func error(_ bytes: [UInt8]) throws -> TokenFileError? {
      let path = try directory.write("a.bin", bytes)
      return #expect(throws: TokenFileError.self) { try TokenFile(path: path) }
    }
    let path = directory.path + "/a.bin"
    let whole = llmC([1, 2, 3])
    #expect(try error([]) == .noHeader(path: path, byteCount: 0))
    #expect(try error(Array(whole.prefix(1023))) == .noHeader(path: path, byteCount: 1023))
    #expect(
      try error(whole.dropLast())
        == .wrongSize(path: path, tokenCount: 3, expected: 1030, byteCount: 1029))
    #expect(
      try error(whole + [0, 0])
        == .wrongSize(path: path, tokenCount: 3, expected: 1030, byteCount: 1032))
    #expect(try error(llmC([1], magic: 42)) == .wrongMagic(path: path, found: 42))
    #expect(
      try error(llmC([1], version: 7)) == .wrongVersion(path: path, found: 7, expected: 1))
    #expect(
      try error(llmC([1], magic: 20_240_801)) == .wrongVersion(path: path, found: 1, expected: 7))
    var negative = whole
    negative[11] = 0x80
    #expect(
      try error(negative)
        == .wrongHeader(
          path: path, offset: 8, found: -2_147_483_645, expected: "a number of tokens"))
    let truncation = try #require(try error(whole.dropLast()))
    #expect(truncation.description.hasPrefix("\(path): truncated at byte 1029"))
  }

  @Test func aMissingFileIsAnErrorThatNamesIt() {
    #expect(
      throws: TokenFileError.unreadable(path: "/nowhere/a.bin", reason: "No such file or directory")
    ) {
      try TokenFile(path: "/nowhere/a.bin")
    }
    #expect(throws: TokenFileError.unreadable(path: "/tmp", reason: "Is a directory")) {
      try TokenFile(path: "/tmp")
    }
  }

  @Test func aTokenOutsideOfTheVocabularyIsAnErrorThatNamesItsByte() throws {
    let directory = try TemporaryDirectory()
    var tokens = [UInt16](repeating: 5, count: 70_000)
    tokens[66_000] = 300
    let path = try directory.write("a.bin", llmC(tokens))
    let file = try TokenFile(path: path)
    try file.requireTokens(below: 301)
    #expect(
      throws: TokenFileError.tokenOutsideVocabulary(
        path: path, token: 300, offset: 1024 + 2 * 66_000, vocabularyCount: 300)
    ) {
      try file.requireTokens(below: 300)
    }
  }

  @Test func aTokenizerThatDidNotMakeTheFileIsAnError() throws {
    let directory = try TemporaryDirectory()
    let maker = CharacterTokenizer(scalars: ["a", "b"])
    let path = directory.path + "/a.bin"
    let writer = try TokenFileWriter(
      path: path, vocabularyCount: maker.vocabularyCount, tokenizerHash: maker.contentHash)
    try writer.append(try maker.encode("abba"))
    try writer.finish()
    let file = try TokenFile(path: path)
    try file.requireTokenizer(maker)
    for other in [CharacterTokenizer(scalars: ["a", "c"]), CharacterTokenizer(scalars: ["a"])] {
      let error = #expect(throws: TokenFileError.self) { try file.requireTokenizer(other) }
      guard case .otherTokenizer(path: path, reason: _) = error else {
        Issue.record("\(String(describing: error))")
        continue
      }
    }
  }

  @Test func aFileOfUnknownOriginTakesAnyTokenizerThatHasItsTokens() throws {
    let directory = try TemporaryDirectory()
    let file = try TokenFile(path: directory.write("a.bin", llmC([0, 256])))
    try file.requireTokenizer(ByteTokenizer())
    #expect(throws: TokenFileError.self) {
      try file.requireTokenizer(CharacterTokenizer(scalars: ["a"]))
    }
  }

  @Test func summaryTellsWhatTheFileHolds() throws {
    let directory = try TemporaryDirectory()
    let summary = try TokenFileSummary(path: directory.write("a.bin", llmC([1, 9, 4])))
    #expect(summary.tokens == 3)
    #expect(summary.largestToken == 9)
    #expect(summary.vocabularySize == nil)
  }
}
