import Foundation
import LockstepChatTemplates
import LockstepDatasets
import TestSupport
import Testing

/// Conversations, from lines of JSON to batches.
@Suite struct ConversationTests {
  private let directory: TemporaryDirectory

  init() throws { directory = try TemporaryDirectory() }

  private func path(_ name: String) -> String { directory.path + "/" + name }

  private func write(_ text: String, to name: String = "chat.jsonl") throws -> String {
    try Data(text.utf8).write(to: URL(filePath: path(name)))
    return path(name)
  }

  func prepare(
    _ lines: String, template: String = "plain", context: Int? = nil,
    tooLong: ConversationPreparation.TooLong = .error, fraction: Double = 0,
    answers: ConversationEncoder.Answers = .all, heldOut: [String] = [], output: String = "out"
  ) throws -> ConversationPreparation.Outcome {
    let built = try ChatTemplate.builtIn(template)
    return try ConversationPreparation(
      inputs: [write(lines)], heldOut: heldOut, output: path(output),
      tokenizer: ByteTokenizer(), at: "bytes",
      template: built ?? ChatTemplate(template, name: "own"),
      variables: ChatTemplate.Context(specialTokens: ["eos_token": Vocabulary.endOfTextName]),
      answers: answers,
      context: context, tooLong: tooLong, validationFraction: fraction
    ).run()
  }

  @Test func allSpecialTokensAreHandedOnAndThoseOfTheTemplateRemembered() throws {
    let tokens = [
      "eos_token": Vocabulary.endOfTextName, "pad_token": "<pad>", "unk_token": "<unk>",
    ]
    let template = "{% for m in messages %}{{ m.content }}{{ pad_token }}{% endfor %}"
    let outcome = try ConversationPreparation(
      inputs: [write(#"{"prompt": "a", "completion": "B"}"#)], output: path("out"),
      tokenizer: ByteTokenizer(), at: "bytes", template: ChatTemplate(template, name: "own"),
      variables: ChatTemplate.Context(specialTokens: tokens), validationFraction: 0
    ).run()
    #expect(try learned() == "|B<pad>")
    let written = try Data(contentsOf: URL(filePath: path("out/tokenizer_config.json")))
    #expect(try JSONDecoder().decode([String: String].self, from: written) == tokens)
    #expect(outcome.manifest.rendering.endOfText == Vocabulary.endOfTextName)
    #expect(outcome.manifest.rendering.otherTokens == ["pad_token": "<pad>"])
  }

  /// Text that is learned, with "|" between conversations.
  func learned(_ file: String = "out/train.bin") throws -> String {
    let tokens = try TokenFile(path: path(file))
    let marks = try TokenFile(path: ConversationFile.maskPath(of: path(file)))
    var text: [UInt8] = []
    for (token, mark) in zip(tokens.tokens(0..<tokens.count), marks.tokens(0..<marks.count)) {
      if mark & 2 != 0 { text += Array("|".utf8) }
      if mark & 1 != 0 { text += ByteTokenizer().vocabulary.bytes(of: token) }
    }
    return String(decoding: text, as: UTF8.self)
  }

  @Test func linesThatTheTokenizerCanNotExpressAreTold() throws {
    let known = Set((0x0A...0x7E).compactMap { Unicode.Scalar(UInt32($0)) })
    let lines = ["B", "é", "C", "ü"].map { #"{"prompt": "a", "completion": "\#($0)"}"# }
    let preparation = try ConversationPreparation(
      inputs: [write(lines.joined(separator: "\n"))], output: path("out"),
      tokenizer: CharacterTokenizer(scalars: known), at: "characters",
      template: #require(try ChatTemplate.builtIn("plain")),
      variables: ChatTemplate.Context(specialTokens: ["eos_token": Vocabulary.endOfTextName]),
      validationFraction: 0)
    var found = ""
    do { _ = try preparation.run() } catch { found = "\(error)" }
    let told = found.split(separator: "\n")
    #expect(told.count == 2, "\(found)")
    #expect(
      told.first?.hasPrefix(
        "\(path("chat.jsonl")): line 2: the character tokenizer has never seen 'é'") == true)
    #expect(told.last?.hasPrefix("\(path("chat.jsonl")): line 4: ") == true)
  }

  @Test func allThreeFormsAreConversations() throws {
    let outcome = try prepare(
      """
      {"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "B"}]}

      {"prompt": "c", "completion": "D", "system": "s"}
      {"instruction": "e", "input": "f", "output": "G", "source": "x"}
      {"instruction": "h", "output": "I", "source": "y"}
      {"prompt": [{"role": "user", "content": "j"}], "completion": [{"role": "assistant", "content": "K"}]}
      """)
    #expect(
      try learned()
        == "| B<|endoftext|>| D<|endoftext|>| G<|endoftext|>| I<|endoftext|>| K<|endoftext|>")
    let tokens = try TokenFile(path: path("out/train.bin"))
    #expect(
      ByteTokenizer().decode(tokens.tokens(0..<tokens.count)).contains("s\n\nUser: c\nAssistant: D")
    )
    #expect(
      ByteTokenizer().decode(tokens.tokens(0..<tokens.count)).contains("User: e\n\nf\nAssistant: G")
    )
    #expect(outcome.manifest.otherKeys == ["source": 2])
    #expect(outcome.notes == ["left out the key source, which 2 lines have"])
    #expect(outcome.manifest.train.conversations == 5)
  }

  @Test(arguments: [
    ("[1]", "", "an array of 1, expected an object; jq -c '.[]' FILE makes lines of a list"),
    ("{\"a\": 1", "", "not JSON: the file ends where ',' should be at byte 7"),
    (
      "{\"text\": \"x\"}", "",
      "none of the keys messages, prompt and instruction, one of which begins a conversation"
    ),
    ("{\"prompt\": \"x\"}", "completion", "is missing"),
    ("{\"prompt\": \"x\", \"completion\": 7}", "completion", "is 7, expected text"),
    (
      "{\"prompt\": \"x\", \"completion\": \" \\n\"}", "completion",
      "no answer: the last one is empty"
    ),
    ("{\"messages\": []}", "messages", "is empty"),
    ("{\"messages\": \"x\"}", "messages", "is 'x', expected a list of messages"),
    (
      "{\"messages\": [{\"role\": \"user\", \"content\": \"x\"}]}", "messages",
      "no answer: ends with a message of 'user', expected one of 'assistant'"
    ),
    ("{\"messages\": [{\"role\": \"user\"}]}", "messages[0].content", "is missing"),
    (
      "{\"messages\": [{\"role\": 1, \"content\": \"\"}]}", "messages[0].role",
      "is 1, expected text"
    ),
    ("{\"messages\": [], \"prompt\": \"x\"}", "", "both messages and prompt, expected one of them"),
  ])
  func violationsNameLineAndKey(_ line: String, _ key: String, _ reason: String) throws {
    let good = "{\"prompt\": \"a\", \"completion\": \"b\"}\n"
    let found = #expect(throws: ConversationError.self) { try prepare(good + line + "\n" + good) }
    #expect(
      found
        == .violations(
          [ConversationViolation(path: path("chat.jsonl"), line: 2, key: key, reason: reason)],
          further: 0))
    #expect(!FileManager.default.fileExists(atPath: path("out")))
  }

  @Test func filesOfConversationsAreHeldOutAsAWhole() throws {
    func line(_ word: String) -> String {
      "{\"prompt\": \"\(word)\", \"completion\": \"\(word)\"}\n"
    }
    let (first, second) = (path("first.jsonl"), path("second.jsonl"))
    try Data((line("q") + line("v")).utf8).write(to: URL(fileURLWithPath: first))
    try Data(line("z").utf8).write(to: URL(fileURLWithPath: second))
    func run(_ heldOut: [String]) throws -> ConversationPreparation.Outcome {
      try prepare(line("a") + line("b"), fraction: 0.5, heldOut: heldOut)
    }
    let outcome = try run([first, second])
    #expect(outcome.manifest.heldOutInputs == 2 && !outcome.wasPrepared)
    #expect(try learned().contains("b") && !learned().contains("q"))
    let held = try learned("out/validation.bin")
    #expect(["q", "v", "z"].allSatisfy(held.contains) && !held.contains("a"))
    #expect(try run([first, second]).wasPrepared)
    #expect(throws: PreparationError.self) { try run([first]) }
    #expect(throws: PreparationError.self) { try run([]) }
  }

  @Test func questionsMayHaveNoAnswer() throws {
    let file = path("questions.jsonl")
    try Data(
      """
      {"prompt": "a"}

      {"prompt": "b", "completion": " "}
      {"system": "s", "instruction": "c", "input": "d", "output": "e"}
      {"messages": [{"role": "user", "content": "f"}, {"role": "assistant", "content": "g"}], "n": 1}
      """.utf8
    ).write(to: URL(fileURLWithPath: file))
    let (questions, notes) = try Question.read(file)
    #expect(questions.map(\.line) == [1, 3, 4, 5])
    #expect(questions.map(\.reference) == [nil, nil, "e", "g"])
    let contents = questions.map { $0.messages.map(\.content) }
    #expect(contents == [["a"], ["b"], ["s", "c\n\nd"], ["f"]])
    #expect(notes == ["left out the key n, which 1 line has"])
    for line in [
      "{\"completion\": \"a\"}", "{\"prompt\": 1}", "{\"messages\": []}",
      "{\"messages\": [{\"role\": \"system\", \"content\": \"a\"}]}",
      "{\"messages\": [{\"role\": \"assistant\", \"content\": \"a\"}]}",
      "{\"prompt\": \"a\", \"completion\": 1}",
    ] {
      try Data(line.utf8).write(to: URL(fileURLWithPath: file))
      #expect(throws: ConversationError.self) { try Question.read(file) }
    }
  }

  @Test func whatATemplateRefusesIsToldWithItsLine() throws {
    let error = #expect(throws: ConversationError.self) {
      try prepare(
        "{\"messages\": [{\"role\": \"tool\", \"content\": \"x\"}, {\"role\": \"assistant\", \"content\": \"y\"}]}",
        template: "mistral")
    }
    #expect(error?.description.contains("chat.jsonl: line 1: mistral: line ") == true)
    #expect(!FileManager.default.fileExists(atPath: path("out")))
  }

  @Test func tooLongOnesAreCutLeftOutOrRefused() throws {
    let lines = """
      {"prompt": "a", "completion": "b"}
      {"prompt": "a", "completion": "0123456789"}
      {"prompt": "0123456789012345678901234567890", "completion": "b"}

      """
    // "User: a\nAssistant: b", the end and a line feed are 22 tokens.
    let error = #expect(throws: ConversationError.self) { try prepare(lines, context: 21) }
    #expect(
      error
        == .tooLong(path: path("chat.jsonl"), line: 2, count: 2, tokens: 31, context: 21))
    let dropped = try prepare(lines, context: 21, tooLong: .drop).manifest.train
    #expect(dropped.conversations == 1 && dropped.dropped == 2 && dropped.cut == 0)
    let cut = try prepare(lines, context: 21, tooLong: .cut, output: "cut").manifest.train
    #expect(cut.conversations == 2 && cut.dropped == 1 && cut.cut == 1)
    #expect(try learned("cut/train.bin") == "| b<|endoftext|>| 012")
  }

  @Test func theLastConversationsAreHeldOut() throws {
    let lines = (0..<10).map { "{\"prompt\": \"\($0)\", \"completion\": \"\($0)\"}\n" }.joined()
    let outcome = try prepare(lines, fraction: 0.2)
    #expect(outcome.manifest.validation?.conversations == 2)
    #expect(try learned("out/validation.bin") == "| 8<|endoftext|>| 9<|endoftext|>")
    #expect(try prepare(lines, fraction: 0.2).wasPrepared)
    #expect(throws: PreparationError.self) { try prepare(lines, context: 99, fraction: 0.2) }
    let template = try String(contentsOfFile: path("out/chat_template.jinja"), encoding: .utf8)
    #expect(template == (try ChatTemplate.builtIn("plain"))?.source)
    let names = try String(contentsOfFile: path("out/tokenizer_config.json"), encoding: .utf8)
    #expect(names == "{\n  \"eos_token\": \"<|endoftext|>\"\n}\n")
  }

  // MARK: - Batches

  private func file(_ conversations: [(tokens: [Int32], learned: [Bool])]) throws
    -> ConversationFile
  {
    let (tokens, marks) = (
      try TokenFileWriter(path: path("t.bin"), vocabularyCount: 100),
      try TokenFileWriter(path: path("t.mask.bin"), vocabularyCount: 4)
    )
    for (ids, learned) in conversations {
      try tokens.append(ids)
      try marks.append(learned.enumerated().map { ($0 == 0 ? 2 : 0) | ($1 ? 1 : 0) })
    }
    try tokens.finish()
    try marks.finish()
    return try ConversationFile(
      tokens: TokenFile(path: path("t.bin")), marks: TokenFile(path: path("t.mask.bin")))
  }

  @Test func aBatchHasWholeConversationsAndTargetsOfAnswersAlone() throws {
    let file = try file([
      ([1, 2, 3], [false, false, true]), ([4, 5], [false, true]),
      ([6, 7, 8, 9], [false, true, false, true]),
    ])
    let loader = try ConversationLoader(file, sequences: 2, context: 4, learned: .completions)
    var batch = loader.emptyBatch()
    loader.fill(&batch, at: 0)
    // The longest with the shortest; -1 is no target.
    #expect(batch.inputs == [1, 2, 0, 0, 4, 6, 7, 8])
    #expect(batch.targets == [-1, 3, -1, -1, 5, 7, -1, 9])
    #expect(batch.documentStarts == [0, 0, 2, 3, 0, 1, 1, 1])
    #expect(loader.count == 1)
    let all = try ConversationLoader(file, sequences: 1, context: 4, learned: .all)
    var one = all.emptyBatch()
    all.fill(&one, at: 1)
    #expect(one.targets == [5, 7, 8, 9])
    #expect(throws: ConversationError.longerThanContext(path: path("t.bin"), tokens: 4, context: 2))
    {
      try ConversationLoader(file, sequences: 1, context: 2, learned: .all)
    }
  }

  @Test func whatIsMeasuredHasAboutTheShapeThatItNeeds() throws {
    let conversations: [(tokens: [Int32], learned: [Bool])] = [150, 90, 30].map { count in
      let places = Array(0..<count)
      return (places.map { Int32($0 % 7) }, places.map { $0 % 3 == 1 })
    }
    func shape(sequences: Int, context: Int) throws -> [Int] {
      let loader = try ConversationLoader(
        file(conversations), sequences: sequences, context: context, learned: .completions)
      var (small, whole) = (loader.emptyBatch(), loader.emptyBatch())
      var seen: [[Int32]] = [[], []]
      for index in 0..<loader.count {
        loader.fill(&small, at: index)
        seen[0] += small.targets.filter { $0 != TokenBatch.ignoredTarget }
        loader.fill(&whole, step: index, microbatch: 0)
        seen[1] += whole.targets.filter { $0 != TokenBatch.ignoredTarget }
      }
      // Each once in either case, of a single row in the same order.
      if loader.rowCount == 1 { #expect(seen[0] == Array(seen[1].prefix(seen[0].count))) }
      #expect(seen[0].count == 50 + 30 + 10)
      return [small.sequenceCount, small.positionCount]
    }
    // 267 inputs in one row.
    #expect(try shape(sequences: 8, context: 8192) == [1, 512])
    #expect(try shape(sequences: 1, context: 270) == [1, 270])
    #expect(try shape(sequences: 3, context: 149) == [2, 149])
  }

  @Test func everyConversationIsLearnedOnceInAnEpoch() throws {
    var generator = SeededGenerator(seed: 7)
    let conversations = (0..<57).map { index in
      let count = Int.random(in: 2...12, using: &generator)
      return (
        tokens: [Int32(index)] + [Int32](repeating: 99, count: count - 1),
        learned: [false] + [Bool](repeating: true, count: count - 1)
      )
    }
    let file = try file(conversations)
    let loader = try ConversationLoader(
      file, sequences: 1, context: 16, learned: .completions, seed: 3)
    #expect(loader.filledShare > 0.85)
    var batch = loader.emptyBatch()
    var orders: [[Int32]] = []
    for epoch in 0..<2 {
      var seen: [Int32] = []
      for step in 0..<loader.rowCount {
        loader.fill(&batch, step: epoch * loader.rowCount + step, microbatch: 0)
        for (position, start) in batch.documentStarts.enumerated()
        where Int(start) == position && batch.targets[position] != TokenBatch.ignoredTarget {
          seen.append(batch.inputs[position])
        }
      }
      #expect(seen.sorted() == (0..<57).map(Int32.init))
      orders.append(seen)
    }
    #expect(orders[0] != orders[1])
  }

  @Test func damagedMarksAreRefused() throws {
    #expect(throws: ConversationError.self) { try file([([1, 2], [false, false])]) }
    _ = try file([([1, 2], [false, true])])
    let tokens = try TokenFile(path: path("t.bin"))
    for marks: [Int32] in [[0, 1], [2], [2, 7]] {
      let writer = try TokenFileWriter(path: path("m.bin"), vocabularyCount: 8)
      try writer.append(marks)
      try writer.finish()
      #expect(throws: ConversationError.self) {
        try ConversationFile(tokens: tokens, marks: TokenFile(path: path("m.bin")))
      }
    }
  }
}
