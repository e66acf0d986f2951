import Foundation
import LockstepCommunication
import LockstepDatasets
import LockstepKeys
import LockstepReporting
import LockstepTraining
import TestSupport
import Testing

/// Private runs on files: what they draw with, and what they add noise to.
@Suite struct PrivateRunTests {
  private let folder: TemporaryFolder
  private let key: String

  init() throws {
    folder = try TemporaryFolder()
    key = folder.path + "/key"
    try SecretKey.random().write(to: key)
  }

  private func write(_ text: String, to name: String) throws {
    try Data(text.utf8).write(to: URL(fileURLWithPath: folder.path + "/" + name))
  }

  /// A table of 60 rows: some features, a class and a value.
  private func writeTable(features: Int, seed: UInt64, to name: String = "train.csv") throws {
    var generator = SeededGenerator(seed: seed)
    let names = (0..<features).map { "x\($0)" } + ["kind", "y"]
    let rows = (0..<60).map { row in
      generator.normals(features).map { "\($0)," }.joined()
        + "c\(row % 10),\(generator.normals(1)[0])\n"
    }
    try write(names.joined(separator: ",") + "\n" + rows.joined(), to: name)
  }

  private func configuration(_ keys: String, _ overrides: [String] = []) throws
    -> RunConfiguration
  {
    try RunConfiguration.parse(
      yaml: """
        directory: \(folder.path)
        batch: {sequences: 5, microbatches: 2}
        steps: 6
        schedule: {name: constant}
        checkpoint: {every: 0}
        evaluate: {every: 0}
        \(keys)
        """, source: "run.yaml", overrides: overrides)
  }

  /// A regression of y.
  private func regression(
    features: Int = 7, noise: Double = 0.5, steps: Int = 6, _ overrides: [String] = []
  ) throws -> RunConfiguration {
    let columns = (0..<features).map { "x\($0)" }.joined(separator: ", ")
    return try configuration(
      """
      task: regression
      data: {format: csv, train: train.csv, columns: [\(columns)], target: y, normalize: false}
      model: {architecture: linear}
      optimizer: {name: sgd, learning_rate: 1, clip_norm: 0}
      privacy: {noise: \(noise), clip: 1, delta: 1e-4, key_file: \(key)}
      """, ["steps=\(steps)"] + overrides)
  }

  private struct Outcome {
    let hash: String
    let values: [Float]
    /// Of the parameters among the values.
    let ranges: [Range<Int>]
    let steps: [StepRecord]
    let notices: [String]

    var drawsOtherwise: Bool { notices.contains { $0.contains("other samples and other noise") } }
  }

  private func train(
    _ configuration: RunConfiguration, in name: String, pause: Int? = nil, resume: Bool = false
  ) throws -> Outcome {
    let run = try TrainingRun(
      configuration: configuration, communicator: SoloCommunicator(), mode: "test",
      directory: RunDirectory(path: folder.path + "/" + name), resume: resume, threads: 1)
    let events = EventRecorder()
    run.trainer.attach(events)
    _ = try run.run(until: StopRequest(), pausing: { step, _ in step == pause })
    let replica = run.trainer.replica
    return Outcome(
      hash: run.trainer.parametersHash, values: Array(replica.shared.values),
      ranges: replica.parameters.entries.map(\.range),
      steps: events.events.compactMap { if case .step(let record) = $0 { record } else { nil } },
      notices: events.names)
  }

  /// The fingerprint of the key that a run drew its last steps with.
  private func drawingKey(_ name: String, step: Int) throws -> String {
    let path = folder.path + "/\(name)/checkpoints/step-0000000\(step)/state.json"
    let text = try String(contentsOfFile: path, encoding: .utf8)
    let found = try #require(text.firstMatch(of: /drawingKey\\?":\s*\\?"([0-9a-f]{16})/))
    return String(found.output.1)
  }

  // MARK: Keys

  /// A run that goes on with other data, and one that had these from its start, take other steps before: with the same
  /// noise behind, their difference would be without any.
  @Test func aRunThatGoesOnWithOtherDataSharesNoNoiseWithOneThatBeganWithThem() throws {
    let accept = ["data.changed=accept"]
    try writeTable(features: 7, seed: 1)
    _ = try train(regression(), in: "changed", pause: 2)
    _ = try train(regression(), in: "first", pause: 6)
    try writeTable(features: 7, seed: 2)
    let changed = try train(regression(accept), in: "changed", pause: 4, resume: true)
    #expect(changed.drawsOtherwise)
    _ = try train(regression(), in: "second", pause: 4)
    let keys = try ["changed", "second"].map { try drawingKey($0, step: 4) }
    #expect(keys[0] != keys[1])
    // Nor with its own beginning, when the data come back.
    try writeTable(features: 7, seed: 1)
    let back = try train(regression(accept), in: "changed", resume: true)
    #expect(back.drawsOtherwise)
    #expect(try drawingKey("changed", step: 6) != drawingKey("first", step: 6))
  }

  @Test func aRunWithAPastGoesOnWithTheSameNoise() throws {
    let accept = ["data.changed=accept"]
    for (name, pauses) in [("whole", [4]), ("stopped", [3, 4])] {
      try writeTable(features: 7, seed: 1)
      _ = try train(regression(), in: name, pause: 2)
      try writeTable(features: 7, seed: 2)
      for pause in pauses {
        let resumed = try train(regression(accept), in: name, pause: pause, resume: true)
        #expect(resumed.drawsOtherwise == (pause == pauses[0]))
      }
    }
    #expect(try drawingKey("whole", step: 4) == drawingKey("stopped", step: 4))
    let ends = try ["whole", "stopped"].map { try train(regression(accept), in: $0, resume: true) }
    #expect(ends[0].hash == ends[1].hash)
  }

  // MARK: Noise

  /// Two parameters, each with a cache line of its own.
  @Test func noiseIsAddedToParametersAndToNoPadding() throws {
    try writeTable(features: 1, seed: 1)
    let configuration = try regression(features: 1, noise: 50, steps: 1)
    let outcome = try train(configuration, in: "run")
    let begin = try train(configuration, in: "begin", pause: 0)
    #expect(outcome.values.count == 32 && outcome.ranges.map(\.count) == [1, 1])
    var (squares, padding) = (0.0, 0.0)
    for (place, value) in outcome.values.enumerated() {
      if outcome.ranges.contains(where: { $0.contains(place) }) {
        let distance = Double(value) - Double(begin.values[place])
        squares += distance * distance
      } else {
        padding = max(padding, Double(value.magnitude))
      }
    }
    #expect(padding == 0)
    let norm = try #require(outcome.steps.first).gradientNorm
    #expect(abs(norm / squares.squareRoot() - 1) < 1e-5)
  }

  /// A checkpoint has no padding.
  @Test(arguments: [
    "optimizer: {name: lbfgs, clip_norm: 0}",
    """
    optimizer: {name: adamw, learning_rate: 0.1, weight_decay: 0.5}
    federated: {clients: 5, local_steps: 2, weighting: uniform, partition: {name: even}}
    """,
  ])
  func aResumedPrivateRunOfOddShapesGoesOnToTheSameBits(keys: String) throws {
    try writeTable(features: 7, seed: 1)
    let configuration = try configuration(
      """
      task: classification
      data: {format: csv, train: train.csv, columns: [x0, x1, x2, x3, x4, x5, x6], target: kind, normalize: false}
      model: {architecture: linear}
      privacy: {noise: 0.5, clip: 1, delta: 1e-2, key_file: \(key)}
      \(keys)
      """)
    let whole = try train(configuration, in: "whole")
    _ = try train(configuration, in: "run", pause: 3)
    #expect(try train(configuration, in: "run", resume: true).hash == whole.hash)
  }

  // MARK: Gradients

  /// A head computes its gradients in the forward pass: they are of samples like any others.
  @Test func aHeadOfOneTargetForEachSampleIsShortenedToTheClip() throws {
    let writer = try TokenFileWriter(path: folder.path + "/train.bin", vocabularyCount: 9)
    try writer.append((0..<200).map { Int32($0 * $0 % 9) })
    try writer.finish()
    let clip = 1e-3
    let configuration = try configuration(
      """
      data: {train: train.bin, validation: null, tokenizer: null}
      model: {architecture: llama, vocabulary: 9, layers: 1, heads: 2, width: 16, context: 1, tie_embeddings: false}
      freeze: ["model.*"]
      optimizer: {name: sgd, learning_rate: 1, clip_norm: 0}
      privacy: {noise: 0.01, clip: \(clip), delta: 1e-4, key_file: \(key)}
      """, ["steps=1", "batch.sequences=20"])
    let step = try #require(try train(configuration, in: "run").steps.first)
    #expect(step.tokens > 10)
    // The mean is of 40 samples, drawn or not, and the noise of 144 elements is 0.12 · clip long.
    #expect(step.gradientNorm * 40 <= clip * (Double(step.tokens) + 0.3))
  }
}
