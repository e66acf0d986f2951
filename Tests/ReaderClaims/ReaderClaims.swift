import LockstepChatTemplates
import LockstepDatasets
import LockstepSweeps
import LockstepTraining
import LockstepWeights

/// What must hold of whatever a reader accepts, however damaged the file was.
package enum ReaderClaims {
  /// A configuration says the same when it is written and read again.
  package static func require(_ configuration: RunConfiguration) throws {
    let text = configuration.yaml(comments: false)
    let again = try ofWritten {
      try RunConfiguration.parse(yaml: text, source: "written").yaml(comments: false)
    }
    try SilentAcceptance.unless(again == text, "another configuration after writing and reading")
  }

  /// A sweep says the same when it is written and read again.
  package static func require(_ sweep: SweepConfiguration, source: String) throws {
    let text = sweep.yaml()
    let again = try ofWritten { try SweepConfiguration.parse(yaml: text, source: source).yaml() }
    try SilentAcceptance.unless(again == text, "another sweep after writing and reading")
  }

  /// A template gives the same text each time, and rendering it ends.
  package static func require(_ template: ChatTemplate) throws {
    let talk = [
      ChatMessage(role: "system", content: "s"), ChatMessage(role: "user", content: " a,b\n"),
      ChatMessage(role: "assistant", content: "<think>c</think>é"),
    ]
    for messages in [[], talk] {
      func text() -> String? {
        try? template.render(messages, addsGenerationPrompt: messages.isEmpty).text
      }
      try SilentAcceptance.unless(text() == text(), "another text at the second time")
    }
  }

  /// Ids are those of the vocabulary, and a tokenizer is the same when it is written and read again.
  package static func require(_ tokenizer: any Tokenizer) throws {
    let texts = ["In the beginning", "a\u{0}é\u{1F600} <|endoftext|>[MASK]\r\n 12,345", ""]
    for text in texts {
      // A text may hold what the vocabulary can not say.
      guard let ids = try? tokenizer.encode(text) else { continue }
      let input = try tokenizer.encodeInput(text, texts[0]).tokens
      try SilentAcceptance.unless(
        (ids + input + tokenizer.encodePrompt(text)).allSatisfy {
          0..<Int32(tokenizer.vocabulary.count) ~= $0
        }, "ids beyond the vocabulary")
      _ = tokenizer.decode(ids)
    }
    let again = try ofWritten {
      try TokenizerFile.tokenizer(from: tokenizer.tokenizerJSON(), path: "written")
    }
    try SilentAcceptance.unless(
      again.vocabulary == tokenizer.vocabulary && again.contentHash == tokenizer.contentHash
        && again.template == tokenizer.template, "another tokenizer after writing and reading")
    // Not every tokenizer can be written for GGUF.
    guard let metadata = try? GGUFVocabulary(of: tokenizer) else { return }
    _ = try ofWritten { try metadata.tokenizer(path: "written") }
  }

  /// Tokens that were found to be in the vocabulary are.
  package static func require(_ file: TokenFile) throws {
    let count = file.vocabularyCount ?? 300
    try file.requireTokens(below: count)
    try SilentAcceptance.unless(
      file.tokens(0..<file.count).allSatisfy { 0 <= $0 && Int($0) < count },
      "tokens beyond the vocabulary")
  }

  /// Columns have names of their own, rows one field for each, and numbers are finite.
  package static func require(_ table: CSVTable) throws {
    // Columns without a name are refused where they would be used.
    let names = table.columns.filter { !$0.isEmpty }
    try SilentAcceptance.unless(
      Set(names).count == names.count
        && table.rows.allSatisfy { $0.fields.count == table.columns.count },
      "columns of one name, or rows of another length")
    for column in table.columns.indices {
      for row in table.rows {
        // Most columns are no numbers.
        guard let number = try? table.number(row, column) else { break }
        try SilentAcceptance.unless(number.isFinite, "a number that is not finite")
      }
    }
  }

  /// There are as many pixels as the extents say.
  package static func require(_ images: IDXFile) throws {
    try SilentAcceptance.unless(
      images.dimensions.reduce(1, *) == images.elements.count, "another number of pixels")
  }

  /// Vectors are of one width, and finite.
  package static func require(_ vectors: WordVectors, width: Int) throws {
    try SilentAcceptance.unless(
      vectors.elements.count == width * vectors.tokens.count
        && vectors.elements.allSatisfy(\.isFinite), "vectors that are not finite")
  }

  /// Tensors have the elements that their shapes say, and a value is the same when it is written and read
  /// again.
  package static func require(_ file: GGUFReader) throws {
    for entry in file.entries where entry.type.isReadable {
      let count = entry.shape.reduce(1, *)
      var values = [Float](repeating: 0, count: count)
      try values.withUnsafeMutableBufferPointer {
        try file.read(entry.name, shape: entry.shape, into: $0)
      }
    }
    for (key, value) in file.metadata {
      if let texts = value.texts {
        try SilentAcceptance.unless(GGUFValue.texts(texts) == value, "\(key): other texts")
      }
      if let floats = value.floats {
        try SilentAcceptance.unless(
          GGUFValue.float32s(floats).floats?.map(\.bitPattern) == floats.map(\.bitPattern),
          "\(key): other numbers")
      }
      _ = (value.integer, value.number, value.bool, value.text, value.integers)
    }
  }

  /// What Lockstep writes, it reads.
  package static func ofWritten<Value>(_ read: () throws -> Value) throws -> Value {
    do {
      return try read()
    } catch {
      throw SilentAcceptance("what is written is refused: \(error)")
    }
  }
}
