import Foundation

/// A reader under attack: its specimens, and what must hold of whatever it accepts.
struct Subject: Sendable {
  let name: String
  /// Of the specimens.
  let folder: String
  /// Below the folder, the files that are damaged; "x/*" are all of a folder.
  let files: [String]
  /// Whether a manifest holds the hashes of the files.
  var isSigned = false
  /// Reads the folder, one of whose files is damaged.
  ///
  /// - Throws: The reader's error, or `SilentAcceptance` where it accepted what can not be right.
  let read: @Sendable (_ folder: URL, _ damaged: DamagedCase) throws -> Void

  static let all: [Subject] = [
    Subject(name: "configuration", folder: "settings", files: ["/*"], read: Readers.configuration),
    Subject(name: "sweep", folder: "sweeps", files: ["/*"], read: Readers.sweep),
    Subject(name: "gpt2", folder: "gpt2-float32", files: ["/*"], read: Readers.model),
    Subject(name: "gpt2-bfloat16", folder: "gpt2-bfloat16", files: ["/*"], read: Readers.model),
    Subject(name: "shards", folder: "gpt2-shards", files: ["/*"], read: Readers.model),
    Subject(name: "llama", folder: "llama-tied", files: ["/*"], read: Readers.model),
    Subject(name: "bert", folder: "bert-pretraining", files: ["/*"], read: Readers.model),
    Subject(name: "gguf", folder: "gguf", files: ["/*"], read: Readers.gguf),
    Subject(
      name: "checkpoint", folder: "gpt", files: ["checkpoints/step-00000002/*"], isSigned: true,
      read: Readers.checkpoint),
    Subject(
      name: "predictor", folder: "line", files: ["checkpoints/step-00000002/*"], isSigned: true,
      read: Readers.checkpoint),
    Subject(
      name: "classifier", folder: "sorter", files: ["checkpoints/step-00000002/*"],
      isSigned: true, read: Readers.checkpoint),
    Subject(
      name: "run", folder: "gpt", files: ["config.yaml", "metrics.jsonl", "summary.json"],
      read: Readers.run),
    Subject(name: "tokenizer", folder: "data", files: ["tokenizer.json"], read: Readers.tokenizer),
    Subject(
      name: "tokenizers", folder: "tokenizers", files: ["/*"], read: Readers.tokenizer),
    Subject(name: "tokens", folder: "data", files: ["train.bin"], read: Readers.tokens),
    Subject(
      name: "table", folder: "tables", files: ["table.csv", "table.csv.gz"], read: Readers.table),
    Subject(
      name: "texts", folder: "texts", files: ["texts.csv", "texts.jsonl"], read: Readers.texts),
    Subject(
      name: "images", folder: "tables", files: ["images.idx", "images.idx.gz"],
      read: Readers.images),
    Subject(
      name: "vectors", folder: "vectors", files: ["glove.txt", "word2vec.vec", "word2vec.bin"],
      read: Readers.vectors),
    Subject(name: "template", folder: "templates", files: ["/*"], read: Readers.template),
    Subject(
      name: "conversations", folder: "chat", files: ["talks.jsonl"], read: Readers.conversations),
    Subject(
      name: "preferences", folder: "chat", files: ["preferences.jsonl"],
      read: Readers.preferences),
    Subject(
      name: "chat", folder: "chat/data",
      files: ["train.mask.bin", "chat_template.jinja", "tokenizer_config.json"],
      read: Readers.chat),
    Subject(
      name: "encrypted", folder: "encryption", files: ["secret/*"], read: Readers.encrypted),
    Subject(name: "score", folder: "score", files: ["/*"], read: Readers.score),
  ]
}
