import Foundation
import TestSupport
import Testing

/// A directory of runs, written line by line as a training does.
final class RunFiles: Sendable {
  let directory: TemporaryDirectory
  var path: String { directory.path }

  init() throws { directory = try TemporaryDirectory() }

  /// Begins a run: its directory and configuration.
  ///
  /// - Parameters:
  ///   - format: Of the data.
  ///   - settings: YAML below what every run has.
  func begin(
    _ run: String, steps: Int = 100, format: String = "tokens", settings: String = "seed: 1\n"
  ) throws {
    try directory.write(
      "\(run)/config.yaml",
      """
      # Lockstep         9.8.7
      # compiler         Swift 6.2
      # processor level  x86-64-v3

      # Optimiser steps.
      steps: \(steps)
      data:
        format: \(format)
      \(settings)
      """)
    try directory.write("\(run)/metrics.jsonl", "")
  }

  /// Appends to `metrics.jsonl`; a line's end is the caller's to add.
  func append(_ text: String, to run: String) throws {
    let file = try FileHandle(
      forWritingTo: URL(fileURLWithPath: "\(path)/\(run)/metrics.jsonl"))
    defer { try? file.close() }
    try file.seekToEnd()
    try file.write(contentsOf: Data(text.utf8))
  }

  func cut(_ run: String, to bytes: Int) throws {
    try #require(truncate("\(path)/\(run)/metrics.jsonl", off_t(bytes)) == 0)
  }

  /// A step's line, as `lockstep train` writes it.
  static func step(_ step: Int, loss: Double) -> String {
    """
    {"step":\(step),"loss":\(loss),"gradient_norm":1.5,"learning_rate":0.001,\
    "tokens":\(step * 1000),"seconds":\(Double(step) * 0.25),"tokens_per_second":4000.0}

    """
  }

  static func evaluation(_ step: Int, loss: Double, accuracy: Double) -> String {
    """
    {"step":\(step),"validation_loss":\(loss),"accuracy":\(accuracy),\
    "validation_tokens":512,"evaluation_seconds":0.1}

    """
  }
}
