import Foundation
import LockstepDatasets
import TestSupport
import Testing

struct WordVectorTests {
  private let directory: TemporaryDirectory
  private let tokenizer: any Tokenizer

  init() throws {
    directory = try TemporaryDirectory()
    tokenizer = try TokenizerFile.load(Fixture.path("saved-bpe.json"))
  }

  private func read(_ path: String, width: Int = 5) throws -> WordVectors {
    try WordVectors(path: path, vocabulary: tokenizer.vocabulary, width: width)
  }

  /// What the tokens' text is, with and without a space before it.
  private func text(_ token: Int32) -> String {
    String(decoding: tokenizer.vocabulary.bytes(of: token), as: UTF8.self)
  }

  @Test(arguments: [
    ("vectors.txt", WordVectors.Format.word2vecText, 8), ("vectors.txt.gz", .word2vecText, 8),
    ("vectors.bin", .word2vecBinary, 8), ("vectors-feeds.bin", .word2vecBinary, 8),
    ("glove.txt", .glove, 10),
  ])
  func vectorsAreThoseThatGensimReads(
    name: String, format: WordVectors.Format, wordCount: Int
  ) throws {
    let all: [String: [String: [Float]]] = try Fixture.decode("word-vectors/expected.json")
    let expected = try #require(all[name] ?? all["vectors.txt"])
    let found = try read(Fixture.path("word-vectors/" + name))
    #expect(found.format == format)
    #expect(found.wordCount == wordCount)
    let known = [" the", "don", " don", "мир", "世界", "math", "line"].sorted { id($0) < id($1) }
    #expect(found.tokens.map(text) == known)
    for (place, token) in found.tokens.enumerated() {
      let word = text(token).trimmingCharacters(in: .whitespaces)
      #expect(Array(found.elements[place * 5..<(place + 1) * 5]) == expected[word])
    }
  }

  private func id(_ text: String) -> Int32 {
    (0..<Int32(tokenizer.vocabularyCount)).first { self.text($0) == text } ?? -1
  }

  @Test func theFirstVectorOfAWordCounts() throws {
    let path = try directory.write("twice.txt", "math 1 2\nline 3 4\r\nmath 5 6\n\n")
    let found = try read(path, width: 2)
    #expect(found.tokens == [id("math"), id("line")].sorted())
    #expect(Set(found.elements) == [1, 2, 3, 4])
  }

  @Test func aByteOrderMarkIsNoPartOfTheFirstWord() throws {
    for text in ["math 1 2\nline 3 4\n", "2 2\nmath 1 2\nline 3 4\n"] {
      let plain = try read(directory.write("plain.txt", text), width: 2)
      let marked = try read(directory.write("marked.txt", "\u{FEFF}" + text), width: 2)
      #expect(marked.tokens.count == 2 && marked.tokens == plain.tokens)
      #expect(marked.elements == plain.elements && marked.format == plain.format)
    }
    let wide = try directory.write("wide.txt", [0xFE, 0xFF, 0, 0x6D])
    let error = #expect(throws: WordVectorError.self) { try read(wide, width: 2) }
    #expect("\(try #require(error))".contains("byte order mark of UTF-16"))
  }

  @Test(arguments: ["0x10", "1\u{0}5", "nan", "1e999"])
  func whatIsNoDecimalNumberIsRefused(field: String) throws {
    let path = try directory.write("vectors.txt", "math 1 2\nline 3 \(field)\n")
    let error = #expect(throws: WordVectorError.self) { try read(path, width: 2) }
    #expect(error == .notANumber(path: path, line: 2, found: field))
  }

  @Test func specialTokensAreNoWords() throws {
    let path = try directory.write("special.txt", "<|endoftext|> 1 2\n")
    let found = try read(path, width: 2)
    #expect(found.tokens == [])
    #expect(found.soughtCount == tokenizer.vocabularyCount - 1)
  }

  @Test(arguments: [
    ("", "line 1: found neither a count and a width nor a word with its numbers"),
    ("some text\nwithout numbers\n", "line 1: found neither"),
    ("math 1 2 3\n", "vectors of 3 numbers, but model.width is 2: set it to 3"),
    ("1 3\nmath 1 2 3\n", "vectors of 3 numbers, but model.width is 2"),
    ("math 1 2\nline 1\n", "line 2: found 1 number after the word, expected 2"),
    ("math 1 2\nline 1 2 3\n", "line 2: found 3 numbers after the word, expected 2"),
    ("2 2\nmath 1 2\nother 1\n", "line 3: found 1 number after the word, expected 2"),
    ("2 2\nmath 1 2\n", "has 1 vectors, but its first line promises 2"),
    ("math 1 2\nline nan 3\n", "line 2: found \"nan\", expected a finite number"),
    ("math 1 2\nline 1e99 3\n", "line 2: found \"1e99\", expected a finite number"),
    ("math 1 1e6\nline 1 -1.1e6\n", "line 2: found -1.1e6, expected a number from -1e6 to 1e6"),
  ])
  func wrongTextIsRefusedWithItsLine(text: String, message: String) throws {
    let path = try directory.write("wrong.txt", text)
    let error = #expect(throws: WordVectorError.self) { try read(path, width: 2) }
    #expect(error?.description.hasPrefix("\(path): \(message)") == true, "\(error as Any)")
  }

  @Test func wrongBinaryIsRefusedWithItsPlace() throws {
    let whole = try Fixture.bytes("word-vectors/vectors.bin")
    func message(_ bytes: [UInt8], width: Int = 5) throws -> String {
      let path = try directory.write("wrong.bin", bytes)
      let error = #expect(throws: WordVectorError.self) { try read(path, width: width) }
      return try #require(error).description.replacing("\(path): ", with: "")
    }
    #expect(
      try message(Array(whole.dropLast(7)))
        == "truncated at byte 205, inside of vector 8 of the 8 that its first line promises; "
        + "copy the file again")
    #expect(try message(whole + [1, 2, 3]).hasPrefix("3 bytes too many after byte 212"))
    #expect(try message(whole, width: 6).hasPrefix("vectors of 5 numbers, but model.width is 6"))
    // The header's line, "the ", two numbers and the upper half of the third.
    var infinite = whole
    infinite.replaceSubrange(18..<20, with: [0x80, 0x7F])
    #expect(try message(infinite).hasPrefix("byte 16: the vector of \"the\" has a number"))
    var large = whole
    large.replaceSubrange(16..<20, with: [0, 0, 0, 0x60])
    #expect(
      try message(large).hasPrefix(
        "byte 16, in the vector of \"the\": found 3.689349e+19, expected"))
    #expect(try message([0x1F, 0x8B, 8]).hasPrefix("cannot read the word vectors"))
  }

  @Test func aFileThatIsNotThereIsNamed() throws {
    let error = #expect(throws: WordVectorError.self) { try read("/none.txt") }
    #expect(error?.description.hasPrefix("/none.txt: cannot read the word vectors: ") == true)
  }
}
