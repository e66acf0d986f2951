import Foundation
import LockstepModels
import LockstepTensors
import LockstepTraining
import TestSupport
import Testing

/// Vectors of texts, beside what PyTorch computes: scripts/fixtures/text_classifiers.py.
@Suite struct SentenceEncoderTests {
  private let folder: TemporaryDirectory
  private let expected: TextClassifierFixture

  init() throws {
    folder = try TemporaryDirectory()
    expected = try TextClassifierFixture.read()
  }

  private func trained(_ name: String) throws -> TrainedModel {
    try TrainedModel.open(TextClassifierFixture.path(name), in: Workspace())
  }

  private func difference(_ vectors: [SentenceVector], _ expected: [[Float]]) -> Float {
    zip(vectors, expected).flatMap { zip($0.elements, $1).map { abs($0 - $1) } }.max() ?? .infinity
  }

  /// A copy of the encoder's directory, a file of it with other content.
  private func changed(_ file: String, _ content: String) throws -> String {
    let copy = folder.path + "/model"
    try? FileManager.default.removeItem(atPath: copy)
    try FileManager.default.copyItem(
      atPath: TextClassifierFixture.path("encoder"), toPath: copy)
    try Data(content.utf8).write(to: URL(fileURLWithPath: copy + "/" + file))
    return copy
  }

  private func problem(_ file: String, _ content: String) throws -> String {
    let path = try changed(file, content)
    do {
      let encoder = try SentenceEncoder(TrainedModel.open(path, in: Workspace()))
      return "none: \(encoder.pooling)"
    } catch {
      #expect(ExitCode(of: error) == .usage)
      return "\(error)"
    }
  }

  @Test func vectorsAreThoseThatTheDirectoryMeans() throws {
    let encoder = try SentenceEncoder(trained("encoder"))
    #expect(encoder.pooling.mode == .mean && encoder.pooling.normalizes)
    let vectors = try encoder.encode(expected.lines)
    #expect(difference(vectors, expected.vectors["mean"] ?? []) < 1e-6)
    #expect(vectors.map(\.isCut) == [false, false, true, false, true])
    #expect(vectors.map(\.tokens) == [3, 5, 8, 4, 8])
  }

  @Test(arguments: [PoolingMode.first, .last])
  func otherWaysOfPoolingAreAsked(for mode: PoolingMode) throws {
    let encoder = try SentenceEncoder(trained("encoder"), mode: mode, normalizes: false)
    let vectors = try encoder.encode(expected.lines)
    #expect(difference(vectors, expected.vectors[mode.rawValue] ?? []) < 1e-5)
  }

  @Test(arguments: ["encoder", "bert-base", "llama-base"])
  func vectorsDoNotDependOnTheLinesBesideThem(name: String) throws {
    let lines = expected.lines + [Array("  cat ".utf8), [], Array("cat".utf8)]
    let together = try SentenceEncoder(trained(name), batch: 8).encode(lines)
    let alone = try SentenceEncoder(trained(name), batch: 1).encode(lines)
    #expect(together.map(\.elements) == alone.map(\.elements))
    #expect(together[5].elements == together[7].elements, "white space around a line is left away")
    #expect(together.map(\.line) == Array(1...8))
    #expect(Set(together.map(\.elements)).count == 7)
  }

  @Test func aModelWithoutSuchFilesHasWaysOfItsKind() throws {
    let encoder = try SentenceEncoder(trained("bert-base"))
    #expect(encoder.pooling.mode == .mean && !encoder.pooling.normalizes)
    #expect(try SentenceEncoder(trained("llama-base")).pooling.mode == .last)
  }

  @Test(arguments: [
    ("modules.json", "{", "not a list of modules"),
    ("modules.json", "[]", "the modules are"),
    (
      "modules.json",
      #"[{"type": "a.Transformer", "path": ""}, {"type": "a.Pooling", "path": "1_Pooling"}, {"type": "a.Dense"}]"#,
      "module a.Dense is not supported"
    ),
    (
      "modules.json", #"[{"type": "a.Transformer"}, {"type": "a.Pooling", "path": "../x"}]"#,
      "Pooling has no path"
    ),
    (
      "1_Pooling/config.json",
      #"{"pooling_mode_max_tokens": true, "pooling_mode_mean_tokens": false}"#,
      "the states are pooled by pooling_mode_max_tokens"
    ),
    (
      "1_Pooling/config.json",
      #"{"pooling_mode_cls_token": true, "pooling_mode_mean_tokens": true}"#,
      "pooling_mode_cls_token and pooling_mode_mean_tokens"
    ),
    ("1_Pooling/config.json", #"{"pooling_mode": "max"}"#, "pooling_mode is max"),
    ("sentence_bert_config.json", #"{"max_seq_length": 0}"#, "max_seq_length is 0"),
    ("sentence_bert_config.json", #"{"do_lower_case": true}"#, "do_lower_case is true"),
    (
      "config_sentence_transformers.json", #"{"default_prompt_name": "query"}"#,
      "default_prompt_name is query"
    ),
  ])
  func whatIsNotComputedIsRefusedByName(file: String, content: String, message: String) throws {
    let found = try problem(file, content)
    #expect(found.contains(message) && !found.contains("\n"), "\(found)")
  }

  @Test func newerFilesSayTheSameInOneWord() throws {
    let path = try changed("1_Pooling/config.json", #"{"pooling_mode": "lasttoken"}"#)
    let encoder = try SentenceEncoder(TrainedModel.open(path, in: Workspace()))
    #expect(encoder.pooling.mode == .last && encoder.pooling.normalizes)
  }

  @Test func aModelThatPredictsClassesIsRefused() throws {
    let error = #expect(throws: LoadingError.self) { try SentenceEncoder(trained("bert")) }
    #expect("\(error.map { "\($0)" } ?? "")".contains("lockstep predict takes it"))
  }
}
