import LockstepDatasets
import Testing

struct BytePairEncodingTests {
  private struct Training: Decodable {
    var name: String
    var text: String
    var vocabularySize: Int
    var minimumFrequency: Int
    var merges: [String]

    enum CodingKeys: String, CodingKey {
      case name, text, merges
      case vocabularySize = "vocabulary_size"
      case minimumFrequency = "minimum_frequency"
    }
  }

  @Test func learnsTheMergesThatTheTokenizersLibraryLearns() throws {
    for training in try Fixture.decode("training.json") as [Training] {
      let tokenizer = try BytePairEncoding.trained(
        on: training.text, vocabularyCount: training.vocabularySize,
        minimumFrequency: training.minimumFrequency)
      let merges = tokenizer.merges.map {
        written(tokenizer, $0.left) + " " + written(tokenizer, $0.right)
      }
      #expect(merges == training.merges, "\(training.name)")
    }
  }

  @Test(arguments: ["huggingface.json", "gpt2-form.json"])
  func encodesAsTheTokenizersLibraryDoes(file: String) throws {
    let tokenizer = try TokenizerFile.load(Fixture.path(file))
    #expect(tokenizer.kind == .bytePairEncoding)
    #expect(tokenizer.vocabularyCount == 420)
    #expect(tokenizer.endOfText == 419)
    for item in try Fixture.decode("encodings.json") as [EncodedText] {
      #expect(try tokenizer.encode(item.text) == item.ids, "\(item.text.debugDescription)")
      #expect(tokenizer.decode(item.ids) == item.text)
    }
  }

  @Test func bothFormsOfTheFileAreTheSameTokenizer() throws {
    let pairs = try TokenizerFile.load(Fixture.path("huggingface.json"))
    let strings = try TokenizerFile.load(Fixture.path("gpt2-form.json"))
    #expect(pairs.contentHash == strings.contentHash)
    #expect(pairs.vocabulary == strings.vocabulary)
  }

  @Test func roundTripsAnyBytes() throws {
    let tokenizer = try trainedOnFixture()
    var generator = SystemRandomNumberGenerator()
    for count in [0, 1, 2, 3, 47, 48, 49, 50, 333, 5000] {
      let bytes = (0..<count).map { _ in UInt8.random(in: 0...255, using: &generator) }
      #expect(tokenizer.decodeBytes(try tokenizer.encode(bytes)) == bytes)
    }
    let everyByte = Array(UInt8.min...UInt8.max)
    #expect(tokenizer.decodeBytes(try tokenizer.encode(everyByte)) == everyByte)
  }

  @Test func roundTripsEveryScalar() throws {
    let tokenizer = try trainedOnFixture()
    let scalars = (UInt32(0)..<0x110000).compactMap { Unicode.Scalar($0) }
    var text = String.UnicodeScalarView()
    text.append(contentsOf: scalars)
    let decoded = tokenizer.decode(try tokenizer.encode(String(text)))
    // A failure should not print a million scalars.
    let isEqual = decoded.utf8.elementsEqual(String(text).utf8)
    #expect(isEqual)
  }

  /// Words of all lengths on both sides of the border between search and heap.
  @Test func mergesLongWordsAsTheNaiveMethodDoes() throws {
    let tokenizer = try trainedOnFixture()
    var generator = SystemRandomNumberGenerator()
    let letters = Array("aaaabcthe".utf8)
    for count in Array(1...12) + Array(40...56) + [100, 257, 1000] {
      let word = (0..<count).map { _ in letters.randomElement(using: &generator) ?? 0 }
      #expect(try tokenizer.encode(word) == naiveTokens(tokenizer, word), "\(count)")
    }
  }

  @Test func remembersWordsWithoutConfusingThem() throws {
    let tokenizer = try trainedOnFixture()
    var generator = SystemRandomNumberGenerator()
    // More distinct words than the memory has slots, each at least twice.
    let letters = Array("abcdefghijklmnopqrstuvwxyz")
    let words = (0..<60_000).map { _ in
      " " + String((0..<6).map { _ in letters.randomElement(using: &generator) ?? "a" })
    }
    let text = (words + words.shuffled()).joined()
    let pieces = try text.split(separator: " ").flatMap { try tokenizer.encode(" " + $0) }
    #expect(try tokenizer.encode(text) == pieces)
  }

  @Test func putsEndOfTextLastAsGPT2Does() throws {
    let tokenizer = try BytePairEncoding.trained(on: "abab abab", vocabularyCount: 258)
    #expect(tokenizer.vocabularyCount == 258)
    #expect(tokenizer.endOfText == 257)
    #expect(tokenizer.vocabulary.bytes(of: 256) == [0x61, 0x62])
    #expect(tokenizer.decode([257]) == "<|endoftext|>")
    #expect(tokenizer.vocabulary.byteCount(of: 257) == 0)
    #expect(tokenizer.vocabulary.byteCount(of: 256) == 2)
  }

  @Test func theNameOfEndOfTextIsSpelledOutWhereItIsText() throws {
    let tokenizer = try trainedOnFixture()
    let tokens = try tokenizer.encode("a<|endoftext|>b", special: .text)
    #expect(!tokens.contains(try #require(tokenizer.endOfText)))
    #expect(tokenizer.decode(tokens) == "a<|endoftext|>b")
  }

  @Test func byteCountsOfTokensAddUpToTheText() throws {
    let tokenizer = try trainedOnFixture()
    let text = "In the beginning God created the heaven and the earth. 𝔘 é"
    let counts = tokenizer.vocabulary.byteCounts
    let total = try tokenizer.encode(text).reduce(0) { $0 + Int(counts[Int($1)]) }
    #expect(total == text.utf8.count)
  }

  @Test func aVocabularyWithoutRoomForAllBytesIsAnError() {
    #expect(throws: TokenizerError.vocabularyTooSmall(requested: 256, minimum: 257)) {
      try BytePairEncoding.trained(on: "text", vocabularyCount: 256)
    }
  }

  @Test func emptyTextTrainsAndEncodesToNothing() throws {
    let tokenizer = try BytePairEncoding.trained(on: "", vocabularyCount: 300)
    #expect(tokenizer.vocabularyCount == 257)
    #expect(try tokenizer.encode("").isEmpty)
  }

  @Test func otherMergesGiveAnotherHash() throws {
    let one = try BytePairEncoding.trained(on: "abab abab", vocabularyCount: 258)
    let other = try BytePairEncoding.trained(on: "acac acac", vocabularyCount: 258)
    #expect(one.contentHash != other.contentHash)
    #expect(one.contentHash.words != other.contentHash.words)
  }

  private func trainedOnFixture() throws -> BytePairEncoding {
    let trainings: [Training] = try Fixture.decode("training.json")
    return try BytePairEncoding.trained(on: trainings[0].text, vocabularyCount: 500)
  }

  /// A token as a tokenizer.json writes it.
  private func written(_ tokenizer: BytePairEncoding, _ token: Int32) -> String {
    let printable = Array(0x21...0x7E) + Array(0xA1...0xAC) + Array(0xAE...0xFF)
    var others = 0
    var names: [UInt8: Character] = [:]
    for byte in 0..<256 {
      let isPrintable = printable.contains(byte)
      let value = isPrintable ? byte : 0x100 + others
      if !isPrintable { others += 1 }
      names[UInt8(byte)] = Unicode.Scalar(UInt32(value)).map { Character($0) }
    }
    return String(tokenizer.vocabulary.bytes(of: token).compactMap { names[$0] })
  }
}

/// Merges one word by the definition: look through all rules, in order, again and again.
private func naiveTokens(_ tokenizer: BytePairEncoding, _ word: [UInt8]) -> [Int32] {
  var tokens: [Int32] = word.map { byte in
    (0..<Int32(tokenizer.vocabularyCount)).first { tokenizer.vocabulary.bytes(of: $0) == [byte] }
      ?? -1
  }
  while true {
    var merged = false
    for merge in tokenizer.merges {
      let place = tokens.indices.dropLast().first {
        tokens[$0] == merge.left && tokens[$0 + 1] == merge.right
      }
      guard let place else { continue }
      tokens.replaceSubrange(place...(place + 1), with: [merge.result])
      merged = true
      break
    }
    if !merged { return tokens }
  }
}
