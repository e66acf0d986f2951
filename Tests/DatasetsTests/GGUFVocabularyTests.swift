import LockstepDatasets
import Testing

/// Tokenizers as GGUF files have them, to and fro.
struct GGUFVocabularyTests {
  private struct Encoded: Decodable {
    var text: String
    var ids: [Int32]
    var input: [Int32]
  }

  private struct Scored: Decodable {
    var model: String
    var tokens: [String]
    var scores: [Float]
    var kinds: [Int]
    var begin: Int32
    var end: Int32
    var unknown: Int32
  }

  private func load(_ family: String) throws -> any Tokenizer {
    try TokenizerFile.load(Fixture.path("Families/\(family).json"))
  }

  private func texts(_ family: String) throws -> [Encoded] {
    try Fixture.decode("Families/\(family)-encodings.json")
  }

  private func llama() throws -> GGUFVocabulary {
    let scored: Scored = try Fixture.decode("Families/gguf-llama.json")
    var vocabulary = GGUFVocabulary(
      model: scored.model, preTokenizer: "default", tokens: scored.tokens.map { Array($0.utf8) })
    vocabulary.scores = scored.scores
    vocabulary.kinds = scored.kinds
    (vocabulary.beginOfText, vocabulary.endOfText) = (scored.begin, scored.end)
    vocabulary.unknown = scored.unknown
    return vocabulary
  }

  @Test(arguments: ["llama3", "smollm", "bert-cased"])
  func whatIsWrittenEncodesAsTheTokenizerDoes(family: String) throws {
    let tokenizer = try load(family)
    let written = try GGUFVocabulary(of: tokenizer)
    let again = try written.tokenizer(path: "t.gguf")
    #expect(again.vocabulary.count == tokenizer.vocabulary.count)
    #expect(again.endOfText == tokenizer.endOfText)
    for item in try texts(family) {
      #expect(try again.encode(item.text) == item.ids, "\(item.text.debugDescription)")
      #expect(
        try again.encodeInput(item.text).tokens == item.input, "\(item.text.debugDescription)")
    }
    #expect(try GGUFVocabulary(of: again) == written)
  }

  /// The library was given the merges that follow from the scores.
  @Test func scoresSayWhatMerges() throws {
    let vocabulary = try llama()
    let tokenizer = try vocabulary.tokenizer(path: "t.gguf")
    let texts = try texts("gguf-llama")
    #expect(texts.count > 90)
    for item in texts {
      #expect(try tokenizer.encode(item.text) == item.ids, "\(item.text.debugDescription)")
      #expect(try tokenizer.encodeInput(item.text).tokens == item.input)
    }
    let written = try GGUFVocabulary(of: tokenizer)
    #expect(written.tokens == vocabulary.tokens)
    #expect(written.kinds == vocabulary.kinds)
    #expect(written.unknown == 0)
    #expect(try written.tokenizer(path: "t").contentHash == tokenizer.contentHash)
  }

  /// A word that goes on has no mark in such a file, and one that begins has "▁".
  @Test func wordsAreMarkedWhereTheyBegin() throws {
    let written = try GGUFVocabulary(of: load("bert-cased"))
    #expect(written.model == "bert")
    let tokens = written.tokens.map { String(decoding: $0, as: UTF8.self) }
    #expect(tokens[0...4] == ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"])
    #expect(tokens.contains("▁the"))
    #expect(!tokens.contains { $0.hasPrefix("##") })
    #expect((written.classification, written.separator, written.mask) == (2, 3, 4))
  }

  /// A space before texts; merges that are no scores'; tokens that are looked for after normalisation.
  @Test(arguments: ["roberta", "phrases", "bert", "qwen2"])
  func whatTheFormatCanNotSayIsRefused(family: String) throws {
    let tokenizer = try load(family)
    #expect(throws: TokenizerError.self) { try GGUFVocabulary(of: tokenizer) }
  }

  /// The format has no word for a normaliser, but for the name of a family.
  @Test func qwensTextsAreComposed() throws {
    var written = try GGUFVocabulary(of: load("smollm"))
    #expect(written.preTokenizer == "smollm")
    written.preTokenizer = "qwen2"
    let tokenizer = try written.tokenizer(path: "t")
    #expect(try tokenizer.encode("e\u{301}") == tokenizer.encode("\u{E9}"))
    #expect(try GGUFVocabulary(of: tokenizer) == written)
  }

  @Test func aModelWithCapitalsSaysWhetherTheyStay() throws {
    var written = try GGUFVocabulary(of: load("bert-cased"))
    #expect(written.lowercases == false)
    written.lowercases = nil
    #expect(throws: TokenizerError.self) { try written.tokenizer(path: "t") }
  }

  @Test func plainBytesAreAnEncodingWithoutMerges() throws {
    let tokenizer = try GGUFVocabulary(of: ByteTokenizer()).tokenizer(path: "t")
    #expect(
      try tokenizer.encode("aé 1<|endoftext|>") == ByteTokenizer().encode("aé 1<|endoftext|>"))
  }

  /// What is wrong with a vocabulary, and its key.
  struct Fault: Sendable, CustomTestStringConvertible {
    let key: String
    let change: @Sendable (inout GGUFVocabulary) -> Void

    init(_ key: String, _ change: @escaping @Sendable (inout GGUFVocabulary) -> Void) {
      (self.key, self.change) = (key, change)
    }

    var testDescription: String { key }
  }

  static let faults = [
    Fault("model") { $0.model = "rwkv" },
    Fault("pre") { $0.model = "gpt2" },
    Fault("scores") { $0.scores = [] },
    Fault("scores") { $0.scores[700] = .nan },
    Fault("scores") { $0.scores.removeLast() },
    Fault("token_type") { $0.kinds[300] = 9 },
    Fault("tokens") { $0.tokens[300] = $0.tokens[301] },
    Fault("tokens") { $0.tokens[300] = [0xFF] },
    Fault("tokens") { $0.tokens[300] = [] },
    Fault("tokens") { $0.tokens[10] = Array("<0xQQ>".utf8) },
    Fault("bos_token_id") { $0.beginOfText = nil },
    Fault("bos_token_id") { $0.beginOfText = 100_000 },
    Fault("eos_token_id") { $0.endOfText = -1 },
    Fault("merges") { $0.merges = [Array("a b".utf8)] },
  ]

  @Test(arguments: faults)
  func whatIsWrongIsNamedByItsKey(fault: Fault) throws {
    var vocabulary = try llama()
    fault.change(&vocabulary)
    let error = #expect(throws: TokenizerError.self) { try vocabulary.tokenizer(path: "t.gguf") }
    guard case .unsupported(path: "t.gguf", let named, _, _) = error else {
      Issue.record("\(String(describing: error))")
      return
    }
    #expect(named == "tokenizer.ggml." + fault.key)
  }
}
