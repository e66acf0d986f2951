import Foundation
import LockstepReporting

/// Keeps what a console would show.
final class RecordedOutput: TextOutput {
  var columns: Int?
  let isColored: Bool
  private(set) var writes: [String] = []

  init(columns: Int? = nil, isColored: Bool = false) {
    self.columns = columns
    self.isColored = isColored
  }

  func write(_ text: String) { writes.append(text) }

  var text: String { writes.joined() }

  /// What stays on the screen: of each line only what follows the last return to its start.
  var screen: [String] {
    text.replacing("\u{1B}[K", with: "").split(separator: "\n", omittingEmptySubsequences: false)
      .map {
        $0.split(separator: "\r", omittingEmptySubsequences: false).last.map(String.init) ?? ""
      }
  }
}

/// A path of its own for one test, removed with it.
final class TemporaryFile {
  let path: String
  private let folder: URL

  init(_ name: String) throws {
    folder = FileManager.default.temporaryDirectory
      .appendingPathComponent("lockstep-reporting-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    path = folder.appendingPathComponent(name).path
  }

  var content: String {
    get throws { try String(contentsOfFile: path, encoding: .utf8) }
  }

  var siblings: [String] {
    get throws { try FileManager.default.contentsOfDirectory(atPath: folder.path) }
  }

  deinit { try? FileManager.default.removeItem(at: folder) }
}

enum Sample {
  static let overview = RunOverview(
    mode: "2 ranks over MPI on 1 host", ranks: 2, threads: 1, parameterCount: 4_256_768,
    steps: 1000, lines: [.init("model", "gpt, 4 layers"), .init("batch", "4 micro-batches")],
    runDirectory: "runs/kjv", resumedStep: 250,
    skipped: [
      .init(path: "checkpoints/step-00000500", reason: "checkpoints/step-00000500/m: truncated")
    ])

  static func step(_ step: Int, seconds: Double? = nil, loss: Double = 3.25) -> StepRecord {
    StepRecord(
      step: step, steps: 1000, loss: loss, gradientNorm: 0.5, learningRate: 1e-3,
      tokens: 4096 * step, seconds: seconds ?? 0.25 * Double(step), tokensPerSecond: 16_384,
      secondsLeft: 0.25 * Double(1000 - step))
  }

  static func evaluation(_ step: Int, loss: Double = 3.5) -> EvaluationRecord {
    EvaluationRecord(
      step: step, loss: loss,
      metrics: [.init("bits_per_byte", 1.75), .init("perplexity", exp(loss))],
      tokens: 65_536, seconds: 2)
  }

  static let summary = RunSummary(
    steps: 1000, tokens: 4_096_000, loss: 3.25, validationLoss: 3.5,
    metrics: [.init("bits_per_byte", 1.75)],
    parametersSHA256: String(repeating: "0123456789abcdef", count: 4), tokensPerSecond: 16_384,
    gigaflops: 170.9, peakGigaflops: 205.4, peakShare: 0.832, seconds: 250, ranks: 2, threads: 1,
    parameters: 4_256_768,
    provenance: Provenance(version: "1.2.3", compiler: "Swift \"6\"", processorLevel: "x86-64-v3"))
}
