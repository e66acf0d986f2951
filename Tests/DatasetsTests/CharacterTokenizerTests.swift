import LockstepDatasets
import Testing

struct CharacterTokenizerTests {
  @Test func numbersCharactersByCodePoint() throws {
    let tokenizer = CharacterTokenizer(scalars: ["b", "a", "é", "𝔘"])
    #expect(try tokenizer.encode("ab𝔘é") == [0, 1, 3, 2])
    #expect(tokenizer.endOfText == 4)
    #expect(tokenizer.vocabulary.byteCounts == [1, 1, 2, 4, 0])
  }

  @Test func aCharacterNeverSeenIsAnErrorThatNamesItAndThePlace() {
    let tokenizer = CharacterTokenizer(scalars: ["a", "é"])
    #expect(throws: TokenizerError.unknownCharacter("b", offset: 3)) {
      try tokenizer.encode("aéb")
    }
    #expect(throws: TokenizerError.unknownCharacter("\u{1F600}", offset: 0)) {
      try tokenizer.encode("\u{1F600}")
    }
  }

  @Test func bytesThatAreNoUTF8AreAnErrorThatNamesThePlace() {
    let tokenizer = CharacterTokenizer(scalars: ["a"])
    #expect(throws: TokenizerError.invalidUTF8(offset: 1)) { try tokenizer.encode([0x61, 0xC3]) }
    #expect(throws: TokenizerError.invalidUTF8(offset: 0)) {
      try ([0xFF] as [UInt8]).withUnsafeBytes { try CharacterTokenizer.trained(on: $0) }
    }
  }
}

struct ByteTokenizerTests {
  @Test func idsAreTheBytes() throws {
    let bytes = Array(UInt8.min...UInt8.max)
    #expect(try ByteTokenizer().encode(bytes) == bytes.map { Int32($0) })
    #expect(ByteTokenizer().decodeBytes(0..<256) == bytes)
    #expect(ByteTokenizer().vocabularyCount == 257)
    #expect(ByteTokenizer().endOfText == 256)
  }
}

struct StreamingDecoderTests {
  @Test func givesTheSameTextAsDecodingAtOnce() throws {
    let text = "aé你𝔘👨\u{200D}👩 end"
    var decoder = StreamingDecoder(ByteTokenizer())
    var pieces: [String] = []
    for token in try ByteTokenizer().encode(text) { pieces.append(decoder.append(token)) }
    pieces.append(decoder.finish())
    #expect(pieces.joined() == text)
    #expect(pieces.prefix(4) == ["a", "", "é", ""])
  }

  @Test func doesNotWaitForBytesThatCannotCome() {
    var decoder = StreamingDecoder(ByteTokenizer())
    #expect(decoder.append(0x80) == "\u{FFFD}")
    #expect(decoder.append(0xC3) == "")
    #expect(decoder.append(0x61) == "\u{FFFD}a")
    #expect(decoder.append(0xE4) == "")
    #expect(decoder.finish() == "\u{FFFD}")
    #expect(decoder.finish() == "")
  }
}
