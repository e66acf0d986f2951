import Foundation
import LockstepChatTemplates
import LockstepDatasets
import TestSupport
import Testing

/// Preferences, from lines of JSON to batches.
@Suite struct PreferenceTests {
  private let directory: TemporaryDirectory

  init() throws { directory = try TemporaryDirectory() }

  private func path(_ name: String) -> String { directory.path + "/" + name }

  private func prepare(
    _ lines: String, context: Int? = nil, tooLong: ConversationPreparation.TooLong = .error,
    fraction: Double = 0, output: String = "out", arePreferences: Bool = true
  ) throws -> ConversationPreparation.Outcome {
    try Data(lines.utf8).write(to: URL(filePath: path("lines.jsonl")))
    let template = try ChatTemplate.builtIn("plain")
    return try ConversationPreparation(
      inputs: [path("lines.jsonl")], output: path(output), tokenizer: ByteTokenizer(), at: "bytes",
      template: #require(template),
      variables: ChatTemplate.Context(specialTokens: ["eos_token": Vocabulary.endOfTextName]),
      arePreferences: arePreferences, context: context, tooLong: tooLong,
      validationFraction: fraction
    ).run()
  }

  /// Text that is learned, with "|" before chosen and "!" before rejected answers.
  private func learned(_ file: String = "out/train.bin") throws -> String {
    let tokens = try TokenFile(path: path(file))
    let marks = try TokenFile(path: ConversationFile.maskPath(of: path(file)))
    var text: [UInt8] = []
    for (token, mark) in zip(tokens.tokens(0..<tokens.count), marks.tokens(0..<marks.count)) {
      if mark & 2 != 0 { text += Array((mark & 4 != 0 ? "!" : "|").utf8) }
      if mark & 1 != 0 { text += ByteTokenizer().vocabulary.bytes(of: token) }
    }
    return String(decoding: text, as: UTF8.self)
      .replacingOccurrences(of: "<|endoftext|>", with: ".")
  }

  @Test func allFormsArePreferences() throws {
    let outcome = try prepare(
      """
      {"prompt": "a", "chosen": "B", "rejected": "C", "score": 1}

      {"prompt": [{"role": "user", "content": "d"}], "chosen": [{"role": "assistant", "content": "E"}], \
      "rejected": [{"role": "assistant", "content": "F"}]}
      {"chosen": [{"role": "user", "content": "g"}, {"role": "assistant", "content": "H"}], \
      "rejected": [{"role": "user", "content": "g"}, {"role": "assistant", "content": "I"}]}
      {"prompt": "j", "chosen": [{"role": "user", "content": "j"}, {"role": "assistant", "content": "K"}], \
      "rejected": [{"role": "user", "content": "j"}, {"role": "assistant", "content": "L"}]}
      {"system": "s", "prompt": "m", "chosen": "N", "rejected": "O"}
      """)
    #expect(try learned() == "| B.! C.| E.! F.| H.! I.| K.! L.| N.! O.")
    let tokens = try TokenFile(path: path("out/train.bin"))
    let text = ByteTokenizer().decode(tokens.tokens(0..<tokens.count))
    #expect(text.components(separatedBy: "User: j").count == 3)
    #expect(text.components(separatedBy: "s\n\nUser: m\nAssistant: ").count == 3)
    #expect(outcome.manifest.rendering.preferences == true)
    #expect(outcome.manifest.rendering.answers == .last)
    #expect(outcome.notes == ["left out the key score, which 1 line has"])
    #expect(outcome.summary(directory: "d").contains("5 preferences, "))
  }

  @Test func earlierAnswersOfThePromptAreNotLearned() throws {
    let prompt = """
      [{"role": "user", "content": "a"}, {"role": "assistant", "content": "B"}, {"role": "user", "content": "c"}]
      """
    _ = try prepare("{\"prompt\": \(prompt), \"chosen\": \"D\", \"rejected\": \"E\"}")
    #expect(try learned() == "| D.! E.")
  }

  @Test(arguments: [
    ("{\"prompt\": \"x\", \"chosen\": \"y\"}", "rejected", "is missing"),
    (
      "{\"prompt\": \"x\", \"completion\": \"y\"}", "chosen",
      "is missing; conversations with one answer go with --chat"
    ),
    (
      "{\"prompt\": \"x\", \"chosen\": \"y\", \"rejected\": \"y\"}", "rejected",
      "is the same answer as chosen"
    ),
    (
      "{\"chosen\": \"y\", \"rejected\": \"z\"}", "prompt",
      "is missing, and chosen begins with its answer"
    ),
    (
      "{\"prompt\": \"x\", \"chosen\": \"y\", \"rejected\": \" \"}", "rejected",
      "no answer: the last one is empty"
    ),
    ("{\"prompt\": \"x\", \"chosen\": 1, \"rejected\": \"z\"}", "chosen", "is 1, expected text"),
    (
      "{\"prompt\": \"x\", \"chosen\": [{\"role\": \"user\", \"content\": \"y\"}], \"rejected\": \"z\"}",
      "chosen", "no answer: ends with a message of 'user', expected one of 'assistant'"
    ),
    (
      "{\"chosen\": [{\"role\": \"user\", \"content\": \"x\"}, {\"role\": \"assistant\", \"content\": \"y\"}], "
        + "\"rejected\": [{\"role\": \"user\", \"content\": \"w\"}, {\"role\": \"assistant\", \"content\": \"z\"}]}",
      "rejected",
      "differs from chosen before the last message, expected the same messages up to that"
    ),
    (
      "{\"system\": \"s\", \"prompt\": [], \"chosen\": \"y\", \"rejected\": \"z\"}", "system",
      "stands beside a prompt that is a list of messages"
    ),
  ])
  func violationsNameLineAndKey(_ line: String, _ key: String, _ reason: String) throws {
    let good = "{\"prompt\": \"a\", \"chosen\": \"b\", \"rejected\": \"c\"}\n"
    let found = #expect(throws: ConversationError.self) { try prepare(good + line + "\n" + good) }
    #expect(
      found
        == .violations(
          [ConversationViolation(path: path("lines.jsonl"), line: 2, key: key, reason: reason)],
          further: 0))
    #expect(!FileManager.default.fileExists(atPath: path("out")))
  }

  @Test func preferencesAmongConversationsAreNamed() throws {
    let found = #expect(throws: ConversationError.self) {
      try prepare(
        "{\"prompt\": \"a\", \"chosen\": \"b\", \"rejected\": \"c\"}", arePreferences: false)
    }
    #expect(found?.description.hasSuffix("go with --preferences") == true)
  }

  @Test func aPreferenceIsCutOrLeftOutAsAWhole() throws {
    // "User: a\nAssistant: b", the end and a line feed are 22 tokens.
    let lines = """
      {"prompt": "a", "chosen": "b", "rejected": "c"}
      {"prompt": "a", "chosen": "b", "rejected": "0123456789"}
      {"prompt": "a", "chosen": "0123x", "rejected": "0123y"}
      {"prompt": "0123456789012345678901234567890", "chosen": "b", "rejected": "c"}

      """
    let error = #expect(throws: ConversationError.self) { try prepare(lines, context: 21) }
    #expect(
      error == .tooLong(path: path("lines.jsonl"), line: 2, count: 3, tokens: 31, context: 21))
    let dropped = try prepare(lines, context: 21, tooLong: .drop).manifest.train
    #expect(dropped.conversations == 2 && dropped.dropped == 3 && dropped.cut == 0)
    // Of the third both answers are the same up to the cut.
    let cut = try prepare(lines, context: 21, tooLong: .cut, output: "cut").manifest.train
    #expect(cut.conversations == 4 && cut.dropped == 2 && cut.cut == 1)
    #expect(try learned("cut/train.bin") == "| b.! c.| b.! 012")
  }

  @Test func theLastPreferencesAreHeldOutWithBothAnswers() throws {
    let lines = (0..<10).map {
      "{\"prompt\": \"\($0)\", \"chosen\": \"+\($0)\", \"rejected\": \"-\($0)\"}\n"
    }.joined()
    let outcome = try prepare(lines, fraction: 0.2)
    #expect(outcome.manifest.validation?.conversations == 4)
    #expect(try learned("out/validation.bin") == "| +8.! -8.| +9.! -9.")
    #expect(try prepare(lines, fraction: 0.2).wasPrepared)
  }

  // MARK: - Batches

  private func file(_ sides: [(tokens: [Int32], prompt: Int)], _ name: String = "t") throws
    -> ConversationFile
  {
    let (tokens, marks) = (
      try TokenFileWriter(path: path("\(name).bin"), vocabularyCount: 100),
      try TokenFileWriter(path: path("\(name).mask.bin"), vocabularyCount: 8)
    )
    for (index, side) in sides.enumerated() {
      try tokens.append(side.tokens)
      try marks.append(
        side.tokens.indices.map { place in
          place == 0 ? (index % 2 == 0 ? 2 : 6) : place < side.prompt ? 0 : 1
        })
    }
    try tokens.finish()
    try marks.finish()
    return try ConversationFile(
      tokens: TokenFile(path: path("\(name).bin")), marks: TokenFile(path: path("\(name).mask.bin"))
    )
  }

  @Test func bothSidesAreInSequencesBesideEachOther() throws {
    let file = try file([
      ([1, 2, 3], 2), ([1, 2, 4, 5], 2), ([6, 7], 1), ([6, 8], 1), ([9, 10, 11, 12, 13], 3),
      ([9, 10, 11, 14], 3),
    ])
    #expect(file.holdsPreferences)
    let loader = try PreferenceLoader(file, sequences: 2, context: 4)
    #expect(loader.rowCount == 2 && loader.count == 2 && loader.preferenceCount == 3)
    var batch = loader.emptyBatch()
    loader.fill(&batch, at: 0)
    // The first and the second together: 3 + 1 positions. -1 is no target.
    #expect(batch.tokens.inputs == [1, 2, 0, 6, 1, 2, 4, 6])
    #expect(batch.tokens.targets == [-1, 3, -1, 7, -1, 4, 5, 8])
    #expect(batch.tokens.documentStarts == [0, 0, 2, 3, 0, 0, 0, 3])
    #expect(
      batch.pairs == [
        .init(chosen: 0..<2, rejected: 4..<7), .init(chosen: 3..<4, rejected: 7..<8),
      ])
    loader.fill(&batch, at: 1)
    #expect(batch.pairs == [.init(chosen: 0..<4, rejected: 4..<7)])
    let wide = try PreferenceLoader(file, sequences: 6, context: 4)
    var whole = wide.emptyBatch()
    wide.fill(&whole, at: 0)
    #expect(whole.pairs.count == 3 && whole.tokens.targets[16...].allSatisfy { $0 == -1 })
    #expect(throws: ConversationError.longerThanContext(path: path("t.bin"), tokens: 5, context: 3))
    {
      try PreferenceLoader(file, sequences: 2, context: 3)
    }
  }

  @Test func everyPreferenceIsLearnedOnceInAnEpoch() throws {
    var generator = SeededGenerator(seed: 7)
    let sides = (0..<41).flatMap { index in
      (0..<2).map { _ in
        (
          [Int32(index)] + [Int32](repeating: 99, count: Int.random(in: 1...11, using: &generator)),
          1
        )
      }
    }
    let loader = try PreferenceLoader(
      file(sides), sequences: 2, context: 16, seed: 3)
    var batch = loader.emptyBatch()
    var orders: [[Int32]] = []
    for epoch in 0..<2 {
      var seen: [Int32] = []
      for step in 0..<loader.rowCount {
        loader.fill(&batch, step: epoch * loader.rowCount + step, microbatch: 0)
        for pair in batch.pairs {
          let first = [pair.chosen, pair.rejected].map { batch.tokens.inputs[$0.lowerBound] }
          #expect(first[0] == first[1])
          seen.append(first[0])
        }
      }
      #expect(seen.sorted() == (0..<41).map(Int32.init))
      orders.append(seen)
    }
    #expect(orders[0] != orders[1])
  }

  @Test(arguments: [[6, 1, 2, 1], [2, 1, 2, 1, 6, 1], [2, 5, 6, 1], [2, 1, 6, 1, 2, 1]])
  func damagedMarksAreRefused(marks: [Int32]) throws {
    for (name, values) in [("t.bin", [Int32](repeating: 1, count: marks.count)), ("m.bin", marks)] {
      let writer = try TokenFileWriter(path: path(name), vocabularyCount: 8)
      try writer.append(values)
      try writer.finish()
    }
    #expect(throws: ConversationError.self) {
      try ConversationFile(
        tokens: TokenFile(path: path("t.bin")), marks: TokenFile(path: path("m.bin")))
    }
  }
}
