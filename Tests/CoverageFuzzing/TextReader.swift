import Foundation
import LockstepDatasets
import ReaderClaims

/// Any bytes as text, by a tokenizer of each kind; the first byte picks it.
struct TextReader {
  private let tokenizers: [any Tokenizer]

  init() {
    let fixtures = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .deletingLastPathComponent().appending(path: "DatasetsTests/Fixtures")
    let families = ["llama3", "qwen2", "smollm", "roberta", "llama2", "mistral", "bert"]
    let files =
      ["saved-bpe", "saved-bytes", "saved-characters"] + families.map { "Families/" + $0 }
    tokenizers = files.map { $0 + ".json" }.map { name in
      do {
        return try TokenizerFile.load(fixtures.appending(path: name).path)
      } catch {
        fatalError("\(error)")
      }
    }
  }

  /// What was encoded is decoded to the same bytes, where the tokenizer keeps them, at once and token by
  /// token.
  func read(_ bytes: UnsafeRawBufferPointer) throws {
    guard let first = bytes.first else { return }
    let tokenizer = tokenizers[Int(first) % tokenizers.count]
    let text = UnsafeRawBufferPointer(rebasing: bytes[1...])
    for special in [SpecialTokens.token, .text] {
      let ids = try tokenizer.encode(text, special: special)
      try SilentAcceptance.unless(
        ids.allSatisfy { 0..<Int32(tokenizer.vocabularyCount) ~= $0 }, "ids beyond the vocabulary")
      if tokenizer.keepsText {
        try SilentAcceptance.unless(
          ids.count <= text.count && tokenizer.decodeBytes(ids).elementsEqual(text),
          "another text after encoding and decoding, or more tokens than bytes")
      }
      var decoder = StreamingDecoder(tokenizer)
      let streamed = ids.map { decoder.append($0) }.joined() + decoder.finish()
      guard String(validating: text, as: UTF8.self) != nil else { continue }
      try SilentAcceptance.unless(
        streamed.utf8.elementsEqual(tokenizer.decode(ids).utf8), "another text token by token")
    }
    _ = try tokenizer.encodeMasked(String(decoding: text, as: UTF8.self), mask: 0)
  }
}
