import Foundation
import LockstepDatasets
import TestSupport
import Testing

struct TokenizerFileTests {
  private struct Saved: Decodable {
    var endOfText: [Int32]
    var texts: [EncodedText]

    enum CodingKeys: String, CodingKey {
      case endOfText = "end_of_text"
      case texts
    }
  }

  private func trained(_ kind: TokenizerKind) throws -> any Tokenizer {
    let text = try Fixture.bytes("prose.txt")
    return switch kind {
    case .bytePairEncoding:
      try BytePairEncoding.trained(
        on: String(decoding: text, as: UTF8.self), vocabularyCount: 500)
    case .bytes: ByteTokenizer()
    case .characters: try text.withUnsafeBytes { try CharacterTokenizer.trained(on: $0) }
    case .sentencePiece, .wordPiece: try #require(nil, "there are such tokenizers in files only")
    }
  }

  /// The fixture is a file that the `tokenizers` library has loaded.
  @Test(arguments: [TokenizerKind.bytePairEncoding, .bytes, .characters])
  func writesTheFileThatTheTokenizersLibraryHasRead(kind: TokenizerKind) throws {
    let written = try trained(kind).tokenizerJSON()
    #expect(
      String(decoding: written, as: UTF8.self)
        == String(decoding: try Fixture.bytes("saved-\(kind.rawValue).json"), as: UTF8.self))
  }

  @Test(arguments: [TokenizerKind.bytePairEncoding, .bytes, .characters])
  func encodesAsTheTokenizersLibraryDoesWithTheSavedFile(kind: TokenizerKind) throws {
    let all: [String: Saved] = try Fixture.decode("saved-encodings.json")
    let saved = try #require(all["saved-\(kind.rawValue)"])
    let tokenizer = try TokenizerFile.load(Fixture.path("saved-\(kind.rawValue).json"))
    #expect(saved.texts.count >= 80)
    for item in saved.texts {
      #expect(try tokenizer.encode(item.text) == item.ids, "\(item.text.debugDescription)")
      #expect(tokenizer.decode(item.ids).utf8.elementsEqual(item.text.utf8))
    }
    #expect(try [#require(tokenizer.endOfText)] == saved.endOfText)
  }

  @Test(arguments: [TokenizerKind.bytePairEncoding, .bytes, .characters])
  func savingAndLoadingGivesTheSameTokenizer(kind: TokenizerKind) throws {
    let directory = try TemporaryDirectory()
    let tokenizer = try trained(kind)
    let path = directory.path + "/tokenizer.json"
    try tokenizer.save(to: path)
    let loaded = try TokenizerFile.load(path)
    #expect(loaded.kind == kind)
    #expect(loaded.vocabulary == tokenizer.vocabulary)
    #expect(loaded.contentHash == tokenizer.contentHash)
    #expect(try FileManager.default.contentsOfDirectory(atPath: directory.path).count == 1)
  }

  @Test func keepsCanonicallyEquivalentCharactersApart() throws {
    let tokenizer = CharacterTokenizer(scalars: ["\u{C5}", "\u{212B}", "A", "\u{30A}"])
    let loaded = try TokenizerFile.tokenizer(from: tokenizer.tokenizerJSON(), path: "t")
    #expect(loaded.vocabularyCount == 5)
    #expect(try loaded.encode("\u{212B}\u{C5}A\u{30A}") == [3, 1, 0, 2])
  }

  @Test func aMissingFileIsAnErrorThatNamesIt() {
    let path = "/nowhere/tokenizer.json"
    let error = #expect(throws: TokenizerError.self) { try TokenizerFile.load(path) }
    #expect(error == .unreadable(path: path, reason: "No such file or directory"))
  }

  @Test(arguments: [
    ("", 0), ("{", 1), ("{\"model\": nul}", 10), ("[1, 2", 5), ("{} x", 3),
    (#"{"a": 1, "b": {"a": 2}, "a": 1}"#, 24),
    (#"{"\u0061": 1, "a": 2}"#, 14), ("\"\\q\"", 2),
    ("\"\\ud800\"", 7), ("\"a", 2), (String(repeating: "[", count: 100), 64),
    ("\"\\u+123\"", 3), ("[01]", 2), ("[+1]", 1), ("[1.]", 1), ("[.5]", 1), ("[1e]", 1), ("[-]", 1),
    ("[1e999]", 1),
  ])
  func aFileThatIsNoJSONIsAnErrorThatNamesThePlace(text: String, offset: Int) throws {
    let error = #expect(throws: TokenizerError.self) {
      try TokenizerFile.tokenizer(from: Array(text.utf8), path: "t.json")
    }
    guard case .malformed(path: "t.json", offset: offset, reason: _) = error else {
      Issue.record("\(String(describing: error))")
      return
    }
  }

  @Test(
    arguments: [
      ([0x22, 0xFF, 0x22], 1), ([0x22, 0x5C, 0x6E, 0xC3, 0x22], 1), ([0x22, 0xC0, 0x80, 0x22], 1),
    ] as [([UInt8], Int)])
  func aStringThatIsNotUTF8IsAnErrorThatNamesThePlace(text: [UInt8], offset: Int) throws {
    let error = #expect(throws: TokenizerError.self) {
      try TokenizerFile.tokenizer(from: text, path: "t.json")
    }
    guard case .malformed(path: "t.json", offset: offset, reason: _) = error else {
      Issue.record("\(String(describing: error))")
      return
    }
  }

  @Test(arguments: [
    ("\"BPE\"", "\"Unigram\"", "model.type"),
    ("\"BPE\"", "\"WordPiece\"", "model.dropout"),
    ("\"byte_fallback\": false", "\"byte_fallback\": true", "pre_tokenizer.type"),
    ("\"ByteLevel\", \"add", "\"Whitespace\", \"add", "pre_tokenizer.type"),
    ("\"add_prefix_space\": false", "\"add_prefix_space\": 1", "pre_tokenizer.add_prefix_space"),
    ("\"normalizer\": null", "\"normalizer\": {\"type\": \"NFKC\"}", "normalizer.type"),
    ("\"normalizer\": null", "\"normalizer\": {\"type\": \"NFC\", \"x\": 1}", "normalizer.x"),
    (
      "\"normalizer\": null",
      "\"normalizer\": {\"type\": \"Replace\", \"pattern\": {\"Regex\": \"a\"}}",
      "normalizer.pattern"
    ),
    ("\"ignore_merges\": false", "\"ignore_merges\": 1", "model.ignore_merges"),
    ("\"dropout\": null", "\"dropout\": 0.1", "model.dropout"),
    ("\"!\": 0,", "\"!\": 1,", "model.vocab"),
    ("\"!\": 0,", "\"!\": 600,", "model.vocab"),
    ("\"!\": 0,", "\"!\": 0.5,", "model.vocab"),
    ("\"!\": 0,", "\"世\": 0,", "model.vocab"),
    ("\"merges\": [", "\"merges\": [\"! ~\",", "model.merges"),
    ("\"merges\": [", "\"merges\": [\"!\",", "model.merges"),
    ("\"use_regex\": true", "\"use_regex\": false", "pre_tokenizer.use_regex"),
    ("\"use_regex\": true", "\"split\": true", "pre_tokenizer.split"),
    ("\"truncation\": null", "\"truncation\": {\"max_length\": 0}", "truncation.max_length"),
    ("\"truncation\": null", "\"truncation\": {\"stride\": 9}", "truncation.stride"),
    ("\"truncation\": null", "\"truncation\": {\"direction\": \"Left\"}", "truncation.direction"),
    ("\"padding\": null", "\"padding\": {\"id\": 9}", "padding.id"),
    ("\"version\": \"1.0\"", "\"lowercase\": true", "lowercase"),
    ("\"dropout\": null", "\"suffix\": \"x\"", "model.suffix"),
    (
      "\"decoder\": {\"type\": \"ByteLevel\"", "\"decoder\": {\"type\": \"Metaspace\"",
      "decoder.type"
    ),
    ("\"lstrip\": false", "\"lstrip\": 1", "added_tokens.lstrip"),
    ("\"lstrip\": false", "\"strip\": true", "added_tokens.strip"),
    ("\"lstrip\": false", "\"lstrip\": true", "added_tokens"),
    ("{\"id\": 499, ", "{\"id\": 500, ", "added_tokens"),
    ("\"content\": \"<|endoftext|>\"", "\"content\": \"\"", "added_tokens"),
  ])
  func aTokenizerThatLockstepCannotUseIsAnErrorThatNamesTheKey(
    found: String, replacement: String, key: String
  ) throws {
    let text = String(decoding: try Fixture.bytes("saved-bpe.json"), as: UTF8.self)
    let changed = try #require(text.range(of: found)).lowerBound
    let broken =
      text[..<changed] + replacement + text[text.index(changed, offsetBy: found.count)...]
    let error = #expect(throws: TokenizerError.self) {
      try TokenizerFile.tokenizer(from: Array(broken.utf8), path: "t.json")
    }
    guard case .unsupported(path: "t.json", let named, _, _) = error else {
      Issue.record("\(String(describing: error))")
      return
    }
    #expect(named == key)
  }

  private static let begin = #"{"SpecialToken": {"id": "<|endoftext|>", "type_id": 0}}"#
  private static let text = #"{"Sequence": {"id": "A", "type_id": 0}}"#
  private static let tokens =
    #""special_tokens": {"<|endoftext|>": {"id": "<|endoftext|>", "ids": [499]}}"#
  private static let pair =
    #""pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}}]"#

  /// What stands around the tokens of an input, and how one that is not known is called.
  @Test(
    arguments: [
      (#"{"type": "ByteLevel", "add_prefix_space": true, "trim_offsets": false}"#, [], [], nil),
      (#"{"type": "Sequence", "processors": [{"type": "ByteLevel"}]}"#, [], [], nil),
      (#"{"type": "TemplateProcessing", "single": [\#(text)], \#(pair)}"#, [], [], nil),
      (
        #"{"type": "TemplateProcessing", "single": [\#(begin), \#(text)], \#(pair), \#(tokens)}"#,
        [499],
        [], nil
      ),
      (
        #"{"type": "Sequence", "processors": [{"type": "ByteLevel"}, {"type": "BertProcessing", "#
          + #""sep": ["<|endoftext|>", 499], "cls": ["<|endoftext|>", 499]}]}"#, [499], [499], nil
      ),
      (
        #"{"type": "BertProcessing", "sep": ["[SEP]", 2], "cls": ["<|endoftext|>", 499]}"#, [], [],
        "post_processor.sep"
      ),
      (#"{"type": "TemplateProcessing", "single": [], \#(pair)}"#, [], [], "post_processor.single"),
      (
        #"{"type": "TemplateProcessing", "single": [\#(text), \#(text)], \#(pair)}"#, [], [],
        "post_processor.single"
      ),
      (
        #"{"type": "TemplateProcessing", "single": [\#(begin), \#(text)], \#(pair)}"#, [], [],
        "post_processor.special_tokens"
      ),
      (
        #"{"type": "TemplateProcessing", "single": [\#(text)], "pair": [\#(text)]}"#, [], [],
        "post_processor.pair"
      ),
      (#"{"type": "Reversing"}"#, [], [], "post_processor.type"),
    ] as [(String, [Int32], [Int32], String?)])
  func whatIsPutAroundAnInputIsNoPartOfAText(
    processor: String, prefix: [Int32], suffix: [Int32], key: String?
  ) throws {
    let text = String(decoding: try Fixture.bytes("saved-bpe.json"), as: UTF8.self)
    let changed = text.replacingOccurrences(
      of: "\"post_processor\": null", with: "\"post_processor\": " + processor)
    #expect(changed != text)
    guard let key else {
      let plain = try TokenizerFile.tokenizer(from: Array(text.utf8), path: "t.json")
      let tokenizer = try TokenizerFile.tokenizer(from: Array(changed.utf8), path: "t.json")
      let words = try plain.encode("Some words")
      #expect(try tokenizer.encode("Some words") == words)
      #expect(try tokenizer.encodeInput("Some words").tokens == prefix + words + suffix)
      #expect(try tokenizer.encodePrompt("Some words") == prefix + words)
      // Token files that were made without the template go on to fit.
      #expect(tokenizer.contentHash == plain.contentHash)
      return
    }
    let error = #expect(throws: TokenizerError.self) {
      try TokenizerFile.tokenizer(from: Array(changed.utf8), path: "t.json")
    }
    guard case .unsupported(path: "t.json", let named, _, _) = error else {
      Issue.record("\(String(describing: error))")
      return
    }
    #expect(named == key)
  }

  /// One letter more or less is another pattern.
  @Test func aPatternThatIsNotKnownIsRefusedWithItsText() throws {
    let text = String(decoding: try Fixture.bytes("Families/llama3.json"), as: UTF8.self)
    let changed = text.replacingOccurrences(of: "{1,3}", with: "{1,2}")
    #expect(changed != text)
    let error = #expect(throws: TokenizerError.self) {
      try TokenizerFile.tokenizer(from: Array(changed.utf8), path: "t.json")
    }
    let message = "\(try #require(error))"
    #expect(message.hasPrefix("t.json: pre_tokenizer.pattern is '(?i:'s|"))
    #expect(message.contains("{1,2}"))
  }

  @Test func aByteOrderMarkIsNoPartOfTheFile() throws {
    let directory = try TemporaryDirectory()
    let json = ByteTokenizer().tokenizerJSON()
    let path = try directory.write("tokenizer.json", [0xEF, 0xBB, 0xBF] + json)
    #expect(try TokenizerFile.load(path).contentHash == ByteTokenizer().contentHash)
    // Checkpoints get a copy of it.
    #expect(try TokenizerFile.contents(path) == json)
    let other = try directory.write("utf16.json", [0xFF, 0xFE, 0x7B, 0])
    let error = #expect(throws: TokenizerError.self) { try TokenizerFile.load(other) }
    #expect("\(try #require(error))".contains("byte order mark of UTF-16"))
  }

  @Test func summaryTellsWhatTheFileHolds() throws {
    let summary = try TokenizerSummary(path: Fixture.path("saved-bpe.json"))
    #expect(summary.kind == .bytePairEncoding)
    #expect(summary.vocabularySize == 500)
    #expect(summary.merges == 243)
    #expect(summary.endOfText == 499)
  }
}
