import Foundation

/// Whole files of every format, made by the command as a user makes them, and from the fixtures of tests.
struct SpecimenMaker {
  let folder: URL
  /// Nil: the command that was built with this program.
  let lockstep: String?

  private var tests: URL {
    URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
  }

  func make() throws {
    for name in [
      "text", "texts", "tables", "vectors", "settings", "score", "tokenizers", "chat",
      "templates",
    ] {
      try FileManager.default.createDirectory(
        at: folder.appending(path: name), withIntermediateDirectories: true)
    }
    for name in ["gpt2-float32", "gpt2-bfloat16", "gpt2-shards", "llama-tied", "bert-pretraining"] {
      try FileManager.default.copyItem(
        at: tests.appending(path: "Fixtures/ForeignModels/\(name)"),
        to: folder.appending(path: name))
    }
    try FileManager.default.createDirectory(
      at: folder.appending(path: "gguf"), withIntermediateDirectories: true)
    for name in ["gpt2", "llama-llama3", "llama-linear", "qwen3", "bert"] {
      try FileManager.default.copyItem(
        at: tests.appending(path: "Fixtures/PretrainedModels/\(name).gguf"),
        to: folder.appending(path: "gguf/\(name).gguf"))
    }
    try text()
    try tokenizers()
    try tables()
    try vectors()
    try settings()
    try runs()
    try chat()
    try encrypted()
  }

  private func write(_ name: String, _ text: String) throws {
    try Data(text.utf8).write(to: folder.appending(path: name))
  }

  private func text() throws {
    let prose = try String(
      contentsOf: tests.appending(path: "DatasetsTests/Fixtures/prose.txt"), encoding: .utf8)
    try write("text/prose.txt", String(repeating: prose, count: 3))
    let lines = prose.split(separator: "\n").map(String.init)
    try write("score/hypotheses.txt", lines.joined(separator: "\n") + "\n")
    try write("score/references.txt", lines.reversed().joined(separator: "\n") + "\n")
  }

  /// One of each family, as the `tokenizers` library writes it.
  private func tokenizers() throws {
    let families = tests.appending(path: "DatasetsTests/Fixtures/Families")
    for name in ["llama3", "qwen2", "smollm", "roberta", "llama2", "mistral", "bert"] {
      try FileManager.default.copyItem(
        at: families.appending(path: name + ".json"),
        to: folder.appending(path: "tokenizers/\(name).json"))
    }
  }

  private func tables() throws {
    var table = "speed,\"a, b\",kind\n"
    for row in 0..<40 { table += "\(row),\(Double(row) / 7),\(["car", "bus"][row % 2])\n" }
    try write("tables/table.csv", table)
    var (rows, lines) = ("text,kind\n", "")
    for row in 0..<12 {
      let (text, kind) = ("\"a \(row), b\"", ["car", "bus"][row % 2])
      rows += "\(text),\(kind)\n"
      lines += "{\"text\": \(text), \"kind\": \"\(kind)\"}\n"
    }
    try write("texts/texts.csv", rows)
    try write("texts/texts.jsonl", lines)
    try write("tables/numbers.csv", "x,y\n" + (0..<40).map { "\($0),\(2 * $0 + 1)\n" }.joined())
    let images: [UInt8] = [0, 0, 8, 3, 0, 0, 0, 20, 0, 0, 0, 4, 0, 0, 0, 4]
    let pixels = (0..<320).map { UInt8(truncatingIfNeeded: $0 * 7) }
    try Data(images + pixels).write(to: folder.appending(path: "tables/images.idx"))
    for name in ["table.csv", "images.idx"] {
      let content = try Data(contentsOf: folder.appending(path: "tables/\(name)"))
      try Data(Gzip.stored([UInt8](content)))
        .write(to: folder.appending(path: "tables/\(name).gz"))
    }
  }

  private func vectors() throws {
    let words = ["the", "of", "and", "to", "in"]
    let lines = words.enumerated().map { "\($1) \($0).5 -1 2e-3 0.25\n" }.joined()
    try write("vectors/glove.txt", lines)
    try write("vectors/word2vec.vec", "5 4\n" + lines)
    var binary = Array("5 4\n".utf8)
    for (index, word) in words.enumerated() {
      binary += Array((word + " ").utf8)
      for value in [Float(index), 0.5, -1, 2] {
        binary += withUnsafeBytes(of: value.bitPattern.littleEndian, Array.init)
      }
    }
    try Data(binary).write(to: folder.appending(path: "vectors/word2vec.bin"))
  }

  private func settings() throws {
    let configs = tests.deletingLastPathComponent().appending(path: "configs")
    for name in try FileManager.default.contentsOfDirectory(atPath: configs.path)
    where name.hasSuffix(".yaml") {
      let kind = name.hasPrefix("sweep") ? "sweeps" : "settings"
      try FileManager.default.createDirectory(
        at: folder.appending(path: kind), withIntermediateDirectories: true)
      try FileManager.default.copyItem(
        at: configs.appending(path: name), to: folder.appending(path: "\(kind)/\(name)"))
    }
  }

  /// A template of what chat templates have, conversations of all forms, and what they become.
  private func chat() throws {
    let fixture = try Data(
      contentsOf: tests.appending(path: "ChatTemplatesTests/Fixtures/templates.json"))
    let templates = try JSONSerialization.jsonObject(with: fixture) as? [[String: Any]] ?? []
    for (index, template) in templates.enumerated() {
      try write("templates/\(index).jinja", template["template"] as? String ?? "")
    }
    let lines = """
      {"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b \\u00e9"}]}
      {"prompt": "c", "completion": "d", "system": "e", "other": [1, null, true]}
      {"instruction": "f", "input": "g", "output": "h"}

      """
    try write("chat/talks.jsonl", String(repeating: lines, count: 4))
    let preferences = """
      {"prompt": "a", "chosen": "b", "rejected": "c", "system": "d", "score": 1.5}
      {"chosen": [{"role": "user", "content": "e"}, {"role": "assistant", "content": "f"}], \
      "rejected": [{"role": "user", "content": "e"}, {"role": "assistant", "content": "g"}]}

      """
    try write("chat/preferences.jsonl", String(repeating: preferences, count: 4))
    try run([
      "prepare", "--chat", "chat/talks.jsonl", "--output", "chat/data", "--tokenizer",
      "data/tokenizer.json", "--template", "plain", "--quiet",
    ])
  }

  /// A key, and contents with what they are when they are encrypted: nothing, a part of a chunk, a whole one, and
  /// several.
  private func encrypted() throws {
    try FileManager.default.createDirectory(
      at: folder.appending(path: "encryption/plain"), withIntermediateDirectories: true)
    for (name, count) in [("none", 0), ("part", 1000), ("chunk", 65_536), ("several", 150_000)] {
      let content = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* $0 >> 7) }
      try Data(content)
        .write(to: folder.appending(path: "encryption/plain/\(name).encrypted"))
    }
    try run(["key", "--output", "encryption/key"])
    try run([
      "encrypt", "encryption/plain", "--output", "encryption/secret", "--key-file",
      "encryption/key", "--quiet",
    ])
  }

  private func runs() throws {
    try run([
      "prepare", "text/prose.txt", "--output", "data", "--vocabulary-size", "300", "--quiet",
    ])
    try FileManager.default.copyItem(
      at: folder.appending(path: "data/tokenizer.json"),
      to: folder.appending(path: "vectors/tokenizer.json"))
    try write(
      "gpt.yaml",
      """
      task: language-modeling
      data: {train: data/train.bin, validation: data/validation.bin, tokenizer: data/tokenizer.json}
      model: {architecture: gpt, layers: 1, heads: 2, width: 8, context: 8}
      batch: {sequences: 2, microbatches: 1}
      schedule: {warmup_steps: 0}
      steps: 2
      """)
    try run(["train", "gpt.yaml", "--output", "gpt", "--quiet"])
    try write(
      "line.yaml",
      """
      task: regression
      data: {format: csv, train: tables/numbers.csv, validation: tables/numbers.csv, target: y}
      model: {architecture: linear}
      batch: {sequences: 4, microbatches: 1}
      schedule: {name: constant}
      steps: 2
      """)
    try run(["train", "line.yaml", "--output", "line", "--quiet"])
    try write(
      "sorter.yaml",
      """
      task: classification
      data:
        format: texts
        train: texts/texts.csv
        validation: texts/texts.jsonl
        tokenizer: data/tokenizer.json
        target: kind
      model: {architecture: bert, layers: 1, heads: 2, width: 8, context: 8}
      batch: {sequences: 4, microbatches: 1}
      schedule: {name: constant}
      steps: 2
      """)
    try run(["train", "sorter.yaml", "--output", "sorter", "--quiet"])
  }

  private func run(_ arguments: [String]) throws {
    let process = Process()
    process.executableURL =
      lockstep.map { URL(fileURLWithPath: $0) }
      ?? URL(fileURLWithPath: CommandLine.arguments[0]).deletingLastPathComponent()
      .appending(path: "lockstep")
    process.arguments = arguments
    process.currentDirectoryURL = folder
    try process.run()
    process.waitUntilExit()
    guard process.terminationStatus == 0 else {
      throw CocoaError(
        .featureUnsupported,
        userInfo: [NSLocalizedDescriptionKey: "lockstep \(arguments.joined(separator: " ")) failed"]
      )
    }
  }
}
