import Foundation
import LockstepDatasets
import TestSupport
import Testing

/// Added tokens in texts, as the `tokenizers` library finds them.
@Suite struct AddedTokenTests {
  /// A text, its ids, and its ids where special tokens are text.
  private struct Encoded: Decodable {
    var text: String
    var ids: [Int32]
    var spelled: [Int32]
  }

  private let tokenizer: any Tokenizer

  init() throws {
    tokenizer = try TokenizerFile.load(Fixture.path("added-tokens.json"))
  }

  @Test func textsAreEncodedAsTheTokenizersLibraryDoes() throws {
    let texts: [Encoded] = try Fixture.decode("added-encodings.json")
    #expect(texts.count > 150)
    // The fixture has texts that the switch matters for.
    #expect(texts.contains { $0.ids != $0.spelled })
    for item in texts {
      #expect(try tokenizer.encode(item.text) == item.ids, "\(item.text.debugDescription)")
      #expect(
        try tokenizer.encode(item.text, special: .text) == item.spelled,
        "\(item.text.debugDescription)")
    }
  }

  @Test func savingKeepsTheFlags() throws {
    let json = tokenizer.tokenizerJSON()
    let loaded = try TokenizerFile.tokenizer(from: json, path: "t")
    #expect(loaded.vocabulary == tokenizer.vocabulary)
    #expect(loaded.contentHash == tokenizer.contentHash)
    #expect(loaded.vocabulary.added.count == 17)
  }

  @Test(arguments: ["single_word", "lstrip", "rstrip", "normalized", "special"])
  func aFlagMakesAnotherTokenizer(flag: String) throws {
    let json = String(decoding: try Fixture.bytes("added-tokens.json"), as: UTF8.self)
    let place = try #require(json.range(of: "\"content\":\"<|im_start|>\"")).upperBound
    let found = try #require(json.range(of: "\"\(flag)\":", range: place..<json.endIndex))
    let isOn = json[found.upperBound...].hasPrefix("true")
    let changed =
      json[..<found.upperBound] + (isOn ? "false" : "true")
      + json[found.upperBound...].dropFirst(isOn ? 4 : 5)
    let other = try TokenizerFile.tokenizer(from: Array(changed.utf8), path: "t")
    #expect(other.contentHash != tokenizer.contentHash)
  }

  /// Token files of earlier versions go on to fit.
  @Test func tokenizersOfSpecialTokensAloneKeepTheirHash() throws {
    #expect(
      ByteTokenizer().contentHash.description.hasPrefix("38a96b2c586cd9df"))
    let name = "\"normalized\": false"
    let json = String(decoding: ByteTokenizer().tokenizerJSON(), as: UTF8.self)
    let normalized = json.replacingOccurrences(of: name, with: "\"normalized\": true")
    #expect(normalized != json)
    #expect(
      try TokenizerFile.tokenizer(from: Array(normalized.utf8), path: "t").contentHash
        == ByteTokenizer().contentHash)
  }

  @Test func everyKindOfTokenizerFindsItsSpecialTokens() throws {
    #expect(try ByteTokenizer().encode("a<|endoftext|>b") == [97, 256, 98])
    #expect(try ByteTokenizer().encode("a<|endoftext|>b", special: .text).count == 15)
    let characters = CharacterTokenizer(scalars: ["a", "b"])
    #expect(try characters.encode("a<|endoftext|>b") == [0, 2, 1])
    #expect(throws: TokenizerError.unknownCharacter("c", offset: 14)) {
      try characters.encode("a<|endoftext|>c")
    }
    #expect(throws: TokenizerError.unknownCharacter("<", offset: 1)) {
      try characters.encode("a<|endoftext|>b", special: .text)
    }
  }

  @Test func tokensThatATaskAddedAreNotLookedFor() throws {
    let masked = ByteTokenizer().adding(special: [Vocabulary.maskName])
    #expect(try masked.encode("[MASK]") == ByteTokenizer().encode("[MASK]"))
    let loaded = try TokenizerFile.tokenizer(from: masked.tokenizerJSON(), path: "t")
    #expect(try loaded.encode("[MASK]") == ByteTokenizer().encode("[MASK]"))
  }

  /// A byte-pair encoding with a normaliser and further added tokens.
  private func tokenizer(
    normalizer: String = "null", adding added: [String]
  ) throws -> any Tokenizer {
    let text = String(decoding: try Fixture.bytes("saved-bpe.json"), as: UTF8.self)
    let changed =
      text
      .replacingOccurrences(of: #""normalizer": null"#, with: #""normalizer": \#(normalizer)"#)
      .replacingOccurrences(
        of: #""added_tokens": ["#,
        with: #""added_tokens": ["# + added.map { $0 + "," }.joined())
    return try TokenizerFile.tokenizer(from: Array(changed.utf8), path: "t")
  }

  @Test func ofTokensThatAreTheSameTheSpecialOneOrThatOfTheSmallestIdIsFound() throws {
    let names = (0..<16).map { ["q\($0)Zx", "q\($0)zX", "Q\($0)zx", "Q\($0)ZX"] }
    // The third of each even group is special.
    let added = names.enumerated().flatMap { group, names in
      names.enumerated().map { index, name in
        #"{"id": \#(500 + 4 * group + index), "content": "\#(name)", "normalized": true, "#
          + #""special": \#(group % 2 == 0 && index == 2)}"#
      }
    }
    let found = try tokenizer(normalizer: #"{"type": "Lowercase"}"#, adding: added)
    for group in names.indices {
      let expected = Int32(500 + 4 * group + (group % 2 == 0 ? 2 : 0))
      #expect(try found.encode("q\(group)zx") == [expected])
    }
  }

  /// `tokenizers` 0.23: what the flags of the token before have taken is no token of its own.
  @Test(arguments: [("true", "true", 1), ("false", "true", 2), ("true", "false", 2)])
  func whiteSpaceThatIsTakenIsNoTokenOfItsOwn(left: String, right: String, count: Int) throws {
    let blanks = try tokenizer(adding: [
      #"{"id": 500, "content": "  ", "lstrip": \#(left), "rstrip": \#(right), "normalized": false}"#
    ])
    let plain = try TokenizerFile.load(Fixture.path("saved-bpe.json"))
    #expect(
      try blanks.encode("a    b")
        == plain.encode("a") + [Int32](repeating: 500, count: count) + plain.encode("b"))
  }

  @Test(arguments: ["[MASK]", "<extra_id_0>"])
  func aTokenizersOwnMaskAtItsEndIsFound(name: String) throws {
    let plain = try TokenizerFile.load(Fixture.path("saved-bpe.json"))
    let own = try tokenizer(adding: [#"{"id": 500, "content": "\#(name)", "special": true}"#])
    #expect(try own.encode("a\(name)b") == plain.encode("a") + [500] + plain.encode("b"))
    #expect(own.vocabulary.textCount == 501)
    let extended: any Tokenizer = own.adding(special: ["[MASK]", "<extra_id_0>"])
    #expect(extended.vocabulary.textCount == 501 && extended.vocabularyCount == 502)
    #expect(try extended.encode("[MASK]<extra_id_0>").filter { $0 >= 500 } == [500])
    // Token files that were made when such names were not looked for go on to fit.
    #expect(own.contentHash == plain.contentHash)
    let directory = try TemporaryDirectory()
    let input = try directory.write("text.txt", "a\(name)b")
    for (tokenizer, output) in [(plain, "plain"), (own, "own")] {
      let path = try directory.write("\(output).json", tokenizer.tokenizerJSON())
      _ = try DatasetPreparation(
        inputs: [input], output: directory.path + "/" + output, tokenizer: .file(path),
        validationFraction: 0
      ).run()
      let file = try TokenFile(path: directory.path + "/\(output)/train.bin")
      #expect(try file.tokens(0..<file.count) == tokenizer.encode("a\(name)b"))
      try file.requireTokenizer(own)
      try file.requireTokenizer(extended)
    }
  }

  @Test(arguments: [
    #"{"type": "Replace", "pattern": {"String": "a b"}, "content": "c"}"#,
    #"{"type": "Sequence", "normalizers": [{"type": "Replace", "pattern": {"String": " "}, "#
      + #""content": "_"}, {"type": "Replace", "pattern": {"String": "a_b"}, "content": "c"}]}"#,
  ])
  func whatIsReplacedIsFoundWhereATextIsCut(normalizer: String) throws {
    let changing = try tokenizer(normalizer: normalizer, adding: [])
    let directory = try TemporaryDirectory()
    // Longer than a piece, and every space stands in what is replaced.
    let text = String(repeating: "a b", count: 1_450_000)
    let input = try directory.write("text.txt", text)
    let path = try directory.write("t.json", changing.tokenizerJSON())
    _ = try DatasetPreparation(
      inputs: [input], output: directory.path + "/out", tokenizer: .file(path),
      validationFraction: 0
    ).run()
    let file = try TokenFile(path: directory.path + "/out/train.bin")
    #expect(try file.tokens(0..<file.count) == changing.encode(text))
  }

  @Test func preparedTextHasTheTokensThatTheWholeTextHas() throws {
    let directory = try TemporaryDirectory()
    // Longer than a piece: cuts must not part a token from the spaces that it takes.
    let part = "some words <sep>   and <mask> more  <|im_start|> das Wort\n\n"
    let text = String(repeating: part, count: (9 << 20) / part.utf8.count)
    let input = try directory.write("text.txt", text)
    func prepare(_ special: SpecialTokens) throws -> [Int32] {
      let output = directory.path + "/\(special)"
      let outcome = try DatasetPreparation(
        inputs: [input], output: output, tokenizer: .file(Fixture.path("added-tokens.json")),
        validationFraction: 0, specialTokens: special
      ).run()
      #expect(outcome.manifest.train.bytes == text.utf8.count)
      let file = try TokenFile(path: output + "/train.bin")
      return file.tokens(0..<file.count)
    }
    let (found, spelled) = (try prepare(.token), try prepare(.text))
    #expect(try found == tokenizer.encode(text))
    #expect(try spelled == tokenizer.encode(text, special: .text))
    #expect(found != spelled)
  }

  @Test(arguments: [SpecialTokens.token, .text])
  func theBorderOfDocumentsIsATokenInAnyCase(special: SpecialTokens) throws {
    let directory = try TemporaryDirectory()
    let input = try directory.write("text.txt", "a<|endoftext|>b")
    _ = try DatasetPreparation(
      inputs: [input], output: directory.path + "/out", tokenizer: .bytes, validationFraction: 0,
      specialTokens: special
    ).run()
    let file = try TokenFile(path: directory.path + "/out/train.bin")
    #expect(file.tokens(0..<file.count) == [97, 256, 98])
  }

  @Test func theChoiceIsPartOfTheDataSet() throws {
    let directory = try TemporaryDirectory()
    let input = try directory.write("text.txt", "a <mask> b\n")
    func prepare(_ special: SpecialTokens) throws -> DatasetPreparation.Outcome {
      try DatasetPreparation(
        inputs: [input], output: directory.path + "/out",
        tokenizer: .file(Fixture.path("added-tokens.json")), validationFraction: 0,
        specialTokens: special
      ).run()
    }
    #expect(try prepare(.token).manifest.request.specialTokens == .token)
    #expect(try prepare(.token).wasPrepared)
    #expect(
      throws: PreparationError.outputDiffers(
        directory: directory.path + "/out",
        reason: "names of special tokens in its text are token")
    ) { try prepare(.text) }
    // A data set that does not say was made when they were text.
    let path = directory.path + "/out/dataset.json"
    let manifest = String(decoding: try readAll(path), as: UTF8.self)
    let older = manifest.replacingOccurrences(of: "\"special_tokens\" : \"token\",", with: "")
    #expect(older != manifest)
    try directory.write("out/dataset.json", older)
    #expect(try prepare(.text).wasPrepared)
    #expect(throws: PreparationError.self) { try prepare(.token) }
  }

  @Test func aPairWithAnEndInItIsRefusedWithItsLine() throws {
    let directory = try TemporaryDirectory()
    let source = try directory.write("a", "one\n\ntwo<|endoftext|>three\n")
    let target = try directory.write("b", "eins\n\nzwei\n")
    func prepare(_ special: SpecialTokens) throws -> PairPreparation.Outcome {
      try PairPreparation(
        inputs: [source, target], output: directory.path + "/out", tokenizer: .bytes,
        validationFraction: 0, specialTokens: special
      ).run()
    }
    #expect(throws: PairError.endOfTextInLine(path: source, line: 3)) { try prepare(.token) }
    #expect(try prepare(.text).manifest.train.pairs == 2)
  }
}
