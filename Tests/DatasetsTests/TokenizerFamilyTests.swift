import LockstepDatasets
import TestSupport
import Testing

/// Tokenizers of all families, as the `tokenizers` library has them (scripts/fixtures/tokenizer_families.py).
struct TokenizerFamilyTests {
  /// A text and what the library makes of it.
  private struct Encoded: Decodable {
    var text: String
    var ids: [Int32]
    var spelled: [Int32]
    var input: [Int32]
    var pair: [Int32]?
    var segments: [Int32]?
    var decoded: String
  }

  static let families = [
    "llama3", "qwen2", "smollm", "roberta", "llama2", "mistral", "metaspace", "phrases", "bert",
    "bert-cased",
  ]

  private func load(_ family: String) throws -> any Tokenizer {
    try TokenizerFile.load(Fixture.path("Families/\(family).json"))
  }

  private func texts(_ family: String) throws -> [Encoded] {
    let texts: [Encoded] = try Fixture.decode("Families/\(family)-encodings.json")
    #expect(texts.count > 90)
    return texts
  }

  @Test(arguments: families)
  func encodesAsTheTokenizersLibraryDoes(family: String) throws {
    let tokenizer = try load(family)
    let texts = try texts(family)
    // The fixture has texts that the switch matters for.
    #expect(texts.contains { $0.ids != $0.spelled })
    for item in texts {
      #expect(try tokenizer.encode(item.text) == item.ids, "\(item.text.debugDescription)")
      #expect(
        try tokenizer.encode(item.text, special: .text) == item.spelled,
        "\(item.text.debugDescription)")
    }
  }

  @Test(arguments: families)
  func decodesAsTheTokenizersLibraryDoes(family: String) throws {
    let tokenizer = try load(family)
    for item in try texts(family) {
      let text = tokenizer.decode(item.ids)
      #expect(text.utf8.elementsEqual(item.decoded.utf8), "\(item.text.debugDescription)")
      var decoder = StreamingDecoder(tokenizer)
      let parts = item.ids.map { decoder.append($0) } + [decoder.finish()]
      #expect(parts.joined().utf8.elementsEqual(text.utf8), "\(item.text.debugDescription)")
    }
  }

  @Test(arguments: families)
  func inputsHaveWhatTheTemplateAdds(family: String) throws {
    let tokenizer = try load(family)
    let texts = try texts(family)
    for (index, item) in texts.enumerated() {
      #expect(
        try tokenizer.encodeInput(item.text).tokens == item.input, "\(item.text.debugDescription)")
      guard let pair = item.pair else { continue }
      let other = texts[(index + 7) % texts.count].text
      let input = try tokenizer.encodeInput(item.text, other)
      #expect(input.tokens == pair, "\(item.text.debugDescription)")
      #expect(input.segments == item.segments, "\(item.text.debugDescription)")
    }
  }

  /// The fixture is a file that the `tokenizers` library has loaded, and encodes the same texts the same
  /// with.
  @Test(arguments: families)
  func writesTheFileThatTheTokenizersLibraryHasRead(family: String) throws {
    let tokenizer = try load(family)
    let written = tokenizer.tokenizerJSON()
    #expect(
      String(decoding: written, as: UTF8.self)
        == String(decoding: try Fixture.bytes("Families/\(family)-written.json"), as: UTF8.self))
    let loaded = try TokenizerFile.tokenizer(from: written, path: "t")
    #expect(loaded.kind == tokenizer.kind)
    #expect(loaded.vocabulary == tokenizer.vocabulary)
    #expect(loaded.contentHash == tokenizer.contentHash)
    #expect(loaded.template == tokenizer.template)
  }

  /// What a text becomes does not depend on where `prepare` cuts it, which is where the family allows it.
  @Test(arguments: ["qwen2", "llama2", "bert"])
  func preparedTextHasTheTokensThatTheWholeTextHas(family: String) throws {
    let tokenizer = try load(family)
    let directory = try TemporaryDirectory()
    // Longer than a piece, and with ends of lines, which belong to what stands before them, at its end.
    let part = "Some words.\n\nand more: 1 2,\n  the end."
    let text = "<s>" + String(repeating: part, count: (17 << 18) / part.utf8.count)
    let input = try directory.write("text.txt", text)
    let outcome = try DatasetPreparation(
      inputs: [input], output: directory.path + "/out",
      tokenizer: .file(Fixture.path("Families/\(family).json")), validationFraction: 0
    ).run()
    #expect(outcome.manifest.train.bytes == text.utf8.count)
    let file = try TokenFile(path: directory.path + "/out/train.bin")
    let isEqual = try file.tokens(0..<file.count) == tokenizer.encode(text)
    #expect(isEqual)
  }

  @Test(arguments: families)
  func anyBytesAreEncoded(family: String) throws {
    let tokenizer = try load(family)
    var generator = SeededGenerator(seed: 5)
    for count in 0..<300 {
      let bytes = (0..<count).map { _ in UInt8.random(in: 0...255, using: &generator) }
      let tokens = try tokenizer.encode(bytes)
      #expect(tokens.allSatisfy { tokenizer.vocabulary.contains($0) })
      if tokenizer.keepsText { #expect(tokenizer.decodeBytes(tokens) == bytes) }
    }
  }

  @Test func whatChangesTextHasNoBitsPerByte() throws {
    for family in Self.families {
      let tokenizer = try load(family)
      let keepsText = ["llama3", "smollm"].contains(family)
      #expect(tokenizer.keepsText == keepsText, "\(family)")
      #expect((tokenizer.byteCounts != nil) == keepsText, "\(family)")
    }
  }

  @Test(arguments: [
    ("llama3", "<|end_of_text|>", ["<|end_of_text|>"]),
    ("smollm", "<|endoftext|>", ["<|endoftext|>", "<|im_end|>"]),
    ("llama2", "</s>", ["</s>"]), ("bert", "[SEP]", ["[SEP]"]),
  ])
  func theEndOfATextIsKnownByItsNames(family: String, name: String, ends: [String]) throws {
    let vocabulary = try load(family).vocabulary
    #expect(vocabulary.endOfText != nil)
    #expect(vocabulary.endOfText == vocabulary.id(ofSpecial: name))
    #expect(vocabulary.ends == Set(try ends.map { try #require(vocabulary.id(ofSpecial: $0)) }))
  }

  @Test func aPromptBeginsAsAnInputDoesAndHasNoEnd() throws {
    let llama = try load("llama2")
    let plain = try llama.encode("Hello")
    #expect(try llama.encodePrompt("Hello") == [1] + plain)
    // Its own beginning is not put before it once more.
    #expect(try llama.encodePrompt("<s>Hello").filter { $0 == 1 } == [1])
    let bert = try load("bert")
    let prompt = try bert.encodePrompt("hello")
    #expect(prompt == (try bert.encodeInput("hello").tokens).dropLast())
    #expect(try load("smollm").encodePrompt("Hello") == load("smollm").encode("Hello"))
  }

  @Test func whatGoesOnWithATextHasItsSpace() throws {
    let tokenizer = try load("llama2")
    let tokens = try tokenizer.encode("the word")
    var beginning = StreamingDecoder(tokenizer)
    var going = StreamingDecoder(tokenizer, continues: true)
    #expect(tokens.map { beginning.append($0) }.joined() == "the word")
    #expect(tokens.map { going.append($0) }.joined() == " the word")
  }

  /// The mask and sentinels of a task change nothing, and stay behind.
  @Test(arguments: families)
  func aTasksTokensComeBehind(family: String) throws {
    let tokenizer = try load(family)
    let extended: any Tokenizer = tokenizer.adding(special: [Vocabulary.sentinelName(0)])
    #expect(extended.vocabularyCount == tokenizer.vocabularyCount + 1)
    #expect(extended.contentHash == tokenizer.contentHash)
    #expect(extended.template == tokenizer.template)
    for item in try texts(family).prefix(30) {
      #expect(try extended.encode(item.text) == item.ids, "\(item.text.debugDescription)")
    }
    let loaded = try TokenizerFile.tokenizer(from: extended.tokenizerJSON(), path: "t")
    #expect(loaded.vocabulary == extended.vocabulary)
  }
}

/// What is peculiar to one family.
struct TokenizerPeculiarityTests {
  private func changed(
    _ file: String, _ found: String, by replacement: String
  ) throws -> any Tokenizer {
    let text = String(decoding: try Fixture.bytes(file), as: UTF8.self)
    let changed = text.replacing(found, with: replacement)
    #expect(changed != text)
    return try TokenizerFile.tokenizer(from: Array(changed.utf8), path: "t")
  }

  /// SmolLM2 has no token for some bytes, which `tokenizers` drops without a word.
  @Test func aByteWithoutATokenIsRefusedWithItsPlace() throws {
    let tokenizer = try changed("saved-bpe.json", "\"Ą\": ", by: "\"ĀĀ\": ")
    #expect(
      try tokenizer.encode("abc")
        == TokenizerFile.load(Fixture.path("saved-bpe.json")).encode("abc"))
    #expect(throws: TokenizerError.unknownByte(4, offset: 15)) {
      try tokenizer.encode("a<|endoftext|>b\u{4}")
    }
    let loaded = try TokenizerFile.tokenizer(from: tokenizer.tokenizerJSON(), path: "t")
    #expect(loaded.contentHash == tokenizer.contentHash)
  }

  @Test func aTokenThatIsLookedForAfterNormalisationIsNormalisedItself() throws {
    let tokenizer = try changed("Families/bert.json", "\"angstrom\"", by: "\"Ångström\"")
    let id = try #require(
      (0..<Int32(tokenizer.vocabularyCount)).first {
        tokenizer.vocabulary.bytes(of: $0).elementsEqual("Ångström".utf8)
      })
    for text in ["an ångström", "an A\u{30A}NGSTRO\u{308}M", "an angstrom"] {
      #expect(try tokenizer.encode(text).last == id, "\(text)")
    }
  }

  /// What only a look at the text finds is not found inside of words.
  @Test func anAddedTokenIsNoPartOfTheModelsVocabulary() throws {
    let tokenizer = try TokenizerFile.load(Fixture.path("Families/llama3.json"))
    let assist = try tokenizer.encode("assist")
    #expect(assist.count == 1 && tokenizer.vocabulary.isAdded(assist[0]))
    let written = String(decoding: tokenizer.tokenizerJSON(), as: UTF8.self)
    let vocabulary = try #require(written.range(of: "\"vocab\""))
    #expect(!written[vocabulary.upperBound...].contains("\"assist\""))
    #expect(written[..<vocabulary.lowerBound].contains("\"assist\""))
  }

  @Test(arguments: ["llama3", "qwen2", "smollm", "roberta", "llama2", "bert"])
  func aFormIsPartOfTheHash(family: String) throws {
    let file = "Families/\(family).json"
    let tokenizer = try TokenizerFile.load(Fixture.path(file))
    let (found, replacement) =
      switch family {
      case "llama3": ("\"ignore_merges\":true", "\"ignore_merges\":false")
      case "qwen2": ("{\"type\":\"NFC\"}", "null")
      case "smollm":
        ("{\"type\":\"Digits\",\"individual_digits\":true},", "")
      case "roberta":
        (
          "\"add_prefix_space\":true,\"trim_offsets\":true,\"use_regex\":true},\"post",
          "\"add_prefix_space\":false,\"trim_offsets\":true,\"use_regex\":true},\"post"
        )
      case "llama2": ("{\"type\":\"Prepend\",\"prepend\":\"\\u2581\"},", "")
      default: ("\"lowercase\":true", "\"lowercase\":false")
      }
    let other = try changed(file, found, by: replacement)
    #expect(other.contentHash != tokenizer.contentHash)
  }
}
