import ArgumentParser
import Foundation
import LockstepCommunication
import LockstepFiles
import LockstepSettings
import LockstepTensors
import LockstepTraining

struct Embed: ParsableCommand, ReadsEncryptedFiles {
  static let configuration = CommandConfiguration(
    abstract: "Makes a vector of each line of text.",
    discussion: """
      Reads lines and writes a vector for each, in the same order. How the states of a line's tokens become its \
      vector is what the model's files say (modules.json, 1_Pooling, sentence_bert_config.json, as \
      Sentence-Transformers writes them, or pooling_type of a GGUF file); where they do not, an encoder's are \
      averaged, and of a model that continues texts the last is taken. Of a line that is too long the beginning \
      is read.
      """)

  /// How vectors are written.
  enum Format: String, ExpressibleByArgument, CaseIterable {
    case json, csv, npy
  }

  @Argument(help: "An encoder, a model that fills in hidden tokens or one that continues texts.")
  var source: String

  @Option(help: "The file of lines, UTF-8. Default: standard input.")
  var input: String?

  @Option(
    help: ArgumentHelp(
      """
      json: an object a line, with line, tokens and embedding; csv: numbers with commas between them; npy: a file \
      of NumPy, float32, a row for each line.
      """, valueName: "json|csv|npy"))
  var format = Format.json

  @Option(help: "The file to write, whole or not at all. Default: standard output.")
  var output: String?

  @Option(
    help: ArgumentHelp(
      "How the states become one vector. Default: as the model's files say.",
      valueName: "mean|first|last"))
  var pooling: PoolingMode?

  @Flag(
    inversion: .prefixedNo,
    help: "Whether vectors are divided by their length. Default: as the model's files say.")
  var normalize: Bool?

  @OptionGroup var text: TextArguments

  @Option(help: "Lines computed at a time; does not change the vectors.")
  var batch = 16

  @Flag(help: "Say nothing on standard error.")
  var quiet = false

  @OptionGroup var precision: PrecisionArgument

  @OptionGroup var key: KeyArguments

  func validate() throws {
    try Requirement.within(1...4096).check(batch, of: "--batch")
    try requirePlace(forOutput: output)
  }

  func run() throws {
    try LaunchEnvironment.requireOneProcess(for: "embed")
    let workspace = Workspace(threadCount: ProcessorMask.current.usableCount)
    let encoder = try SentenceEncoder(
      TrainedModel.opened(source, in: workspace, precision: precision), mode: pooling,
      normalizes: normalize, batch: batch, special: text.specialTokens)
    var lines = try LineReader(path: input)
    let isStreamed = output == nil && format != .npy
    var lineCount = 0
    var rest: [UInt8] = []
    var progress = LiveProgress(isWanted: !quiet, sharesTerminal: true)
    defer { progress.clear() }
    while let read = try lines.next() {
      try answer(read, first: lineCount + 1) { part in
        let vectors = try encoder.encode(part, first: lineCount + 1) {
          progress.show(
            "embedding", done: lines.byteCount(at: $0), of: lines.byteCount, unit: .bytes)
        }
        progress.clear()
        for vector in vectors {
          warn(of: vector)
          if isStreamed {
            try StandardOutput.write(String(decoding: bytes(of: vector), as: UTF8.self))
          } else {
            rest += try bytes(of: vector)
          }
        }
      }
      lineCount += read.count
    }
    guard !isStreamed else { return }
    if format == .npy { rest = Self.npyHeader(rows: lineCount, columns: encoder.width) + rest }
    if let output {
      try AtomicFile.write(rest, to: output)
    } else {
      try StandardOutput.write(bytes: rest)
    }
  }

  private func warn(of vector: SentenceVector) {
    guard !quiet else { return }
    if vector.isCut {
      StandardError.say(
        "lockstep: line \(vector.line) is too long: its first \(vector.tokens) tokens were read")
    }
    if vector.tokens == 0 {
      StandardError.say("lockstep: line \(vector.line) has no tokens: its vector is zeros")
    }
  }

  private struct Row: Encodable {
    let line: Int
    let tokens: Int
    let embedding: [Float]
  }

  private func bytes(of vector: SentenceVector) throws -> [UInt8] {
    switch format {
    case .json:
      let row = Row(line: vector.line, tokens: vector.tokens, embedding: vector.elements)
      return Array(try JSONFormat.encoder().encode(row)) + [UInt8(ascii: "\n")]
    case .csv:
      return Array((vector.elements.map { "\($0)" }.joined(separator: ",") + "\n").utf8)
    case .npy:
      return vector.elements.flatMap { element in
        withUnsafeBytes(of: element.bitPattern.littleEndian, Array.init)
      }
    }
  }

  /// What begins a file of NumPy, version 1.0: its length is a multiple of 64 bytes.
  private static func npyHeader(rows: Int, columns: Int) -> [UInt8] {
    let words = "{'descr': '<f4', 'fortran_order': False, 'shape': (\(rows), \(columns)), }"
    let magic: [UInt8] = [0x93] + Array("NUMPY".utf8) + [1, 0]
    let length = (magic.count + 2 + words.utf8.count + 1 + 63) / 64 * 64 - magic.count - 2
    let blanks = [UInt8](repeating: UInt8(ascii: " "), count: length - words.utf8.count - 1)
    return magic + [UInt8(length & 0xFF), UInt8(length >> 8)] + Array(words.utf8) + blanks
      + [UInt8(ascii: "\n")]
  }
}

extension PoolingMode: ExpressibleByArgument {}
