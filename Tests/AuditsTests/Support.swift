import LockstepAudits
import LockstepDatasets
import LockstepTensors
import LockstepTraining
import TestSupport

/// Small data and configurations to be audited, in a directory of their own.
struct Bench {
  let folder: TemporaryDirectory

  init() throws { folder = try TemporaryDirectory() }

  /// A table of random rows and a target that has nothing to do with them.
  func table(_ name: String, rows: Int, seed: UInt64) throws {
    var generator = SeededGenerator(seed: seed)
    let lines = (0..<rows).map { _ in
      generator.normals(5).map { "\($0)" }.joined(separator: ",") + "\n"
    }
    try folder.write(name, "a,b,c,d,y\n" + lines.joined())
  }

  /// A regression of `train.csv`, evaluated on `test.csv`.
  func rows(_ further: String, hidden: String = "[32]", steps: Int = 10) throws -> RunConfiguration
  {
    try RunConfiguration.parse(
      yaml: """
        task: regression
        directory: \(folder.path)
        data: {format: csv, train: train.csv, validation: test.csv, target: y, normalize: false}
        model: {architecture: mlp, hidden: \(hidden)}
        steps: \(steps)
        schedule: {name: constant}
        checkpoint: {every: 0}
        evaluate: {every: 0}
        \(further)
        """, source: "rows.yaml")
  }

  /// Random words, and a language model of their bytes.
  func text(_ further: String, steps: Int) throws -> RunConfiguration {
    var generator = SeededGenerator(seed: 12)
    let tokenizer = ByteTokenizer()
    for (name, count) in [("train.bin", 600), ("test.bin", 60)] {
      let words = (0..<count * 8).map { _ in
        ["house", "river", "and", "the", "of", "green", "stone"].randomElement(using: &generator)
          ?? ""
      }
      let writer = try TokenFileWriter(
        path: folder.path + "/" + name, vocabularyCount: tokenizer.vocabularyCount,
        tokenizerHash: tokenizer.contentHash)
      try writer.append(try tokenizer.encode(words.joined(separator: " ")))
      try writer.finish()
    }
    try tokenizer.save(to: folder.path + "/tokenizer.json")
    return try RunConfiguration.parse(
      yaml: """
        directory: \(folder.path)
        data: {train: train.bin, validation: test.bin, tokenizer: tokenizer.json}
        model: {architecture: gpt, layers: 1, width: 32, heads: 2, context: 31}
        batch: {sequences: 16, microbatches: 1}
        optimizer: {name: adamw, learning_rate: 1e-2, clip_norm: 0}
        steps: \(steps)
        checkpoint: {every: 0}
        evaluate: {every: 0}
        \(further)
        """, source: "text.yaml")
  }
}

extension RunConfiguration {
  func pool() throws -> SamplePool { try samplePool(threads: Workspace().threads) }
}
