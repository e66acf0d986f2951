import Foundation
import LockstepDatasets
import LockstepTraining
import TestSupport
import Testing

/// Sweeps that go on: what may have changed meanwhile, and what may not.
@Suite struct SweepResumingTests {
  /// Its trials are compared with those that are there.
  @Test(arguments: [
    ("steps=8", "steps: expected"), ("data.validation=", "data.validation: expected"),
    ("evaluate.every=2", "evaluate.every: expected"),
  ])
  func aResumedSweepIsOfTheSameLengthAndMeasuredAlike(change: String, words: String) throws {
    let bench = try SweepBench()
    let plain = ["schedule={name: constant}", "steps=4", "evaluate.every=4"]
    func sweep(_ trials: Int, resume: Bool, _ overrides: [String]) throws {
      try bench.sweep(
        """
        method: random
        trials: \(trials)
        parameters: {optimizer.learning_rate: {low: 1e-3, high: 1e-2}}
        """, to: "out", resume: resume, overrides: overrides)
    }
    try sweep(1, resume: false, plain)
    let other = change.hasSuffix("=") ? change + bench.path("train.csv") : change
    let error = #expect(throws: AgreedError.self) { try sweep(2, resume: true, plain + [other]) }
    let key = String(words.prefix { $0 != ":" })
    #expect(error.map { "\($0)" }?.contains(key) == true, "\(String(describing: error))")
    #expect(throws: Never.self) { try sweep(2, resume: true, plain) }
  }

  /// Has the trials of a bench begin with the weights of another program.
  ///
  /// - Parameter keys: Further ones of the configuration.
  /// - Returns: The model's directory.
  private func beginWithAModel(in bench: SweepBench, _ keys: String = "") throws -> URL {
    let model = URL(fileURLWithPath: bench.path("model"))
    try FileManager.default.copyItem(at: SweepBench.foreignModel("gpt2-float32"), to: model)
    let writer = try TokenFileWriter(path: bench.path("train.bin"), vocabularyCount: 29)
    try writer.append((0..<400).map { Int32($0 * $0 % 29) })
    try writer.finish()
    let configuration = try RunConfiguration.parse(
      yaml: """
        data: {train: \(bench.path("train.bin")), validation: null, tokenizer: null}
        model: {from: \(model.path)}
        batch: {sequences: 2, microbatches: 2}
        schedule: {name: constant, warmup_steps: 0}
        steps: 2
        evaluate: {every: 0}
        \(keys)
        """, source: "test")
    try bench.write(configuration.yaml(comments: false), to: "run.yaml")
    return model
  }

  /// Trials that begin with other weights can not be compared.
  @Test(arguments: [[], ["adapter={name: lora, rank: 2, targets: [c_attn]}"]])
  func trialsThatWouldBeginWithOtherWeightsAreRefused(overrides: [String]) throws {
    let bench = try SweepBench()
    let model = try beginWithAModel(in: bench)
    func sweep(trials: Int, resume: Bool) throws {
      try bench.sweep(
        """
        method: random
        trials: \(trials)
        metric: loss
        parameters:
          optimizer.learning_rate: {low: 1e-3, high: 1e-2}
        """, to: "out", ranks: 2, resume: resume, overrides: overrides)
    }
    try sweep(trials: 1, resume: false)
    let file = model.appending(path: "model.safetensors")
    let bytes = try Data(contentsOf: file)
    var other = bytes
    other[other.count - 2] ^= 1
    try other.write(to: file)
    let error = #expect(throws: AgreedError.self) { try sweep(trials: 2, resume: true) }
    let text = error.map { "\($0)" } ?? ""
    #expect(text.contains("trials/0001 learned from other data"), "\(text)")
    #expect(text.contains("model.from: \(model.path) had") && !text.contains("--set"), "\(text)")
    // Where no trial has yet to begin, nothing is compared that is not read.
    #expect(throws: Never.self) { try sweep(trials: 1, resume: true) }
    try bytes.write(to: file)
    #expect(throws: Never.self) { try sweep(trials: 2, resume: true) }
    #expect(try bench.json("out").trials.map(\.state) == ["finished", "finished"])
  }

  /// What diverged before its first checkpoint has nothing stored, and begins no more.
  @Test func weightsAreNotComparedForATrialThatDiverged() throws {
    let bench = try SweepBench()
    let model = try beginWithAModel(in: bench, "optimizer: {name: sgd, clip_norm: 0}")
    func sweep(resume: Bool) throws {
      try bench.sweep(
        "metric: loss\nparameters: {optimizer.learning_rate: {values: [1e-3, 1e30]}}\n", to: "out",
        resume: resume)
    }
    try sweep(resume: false)
    #expect(try bench.json("out").trials.map(\.state) == ["finished", "diverged"])
    let file = model.appending(path: "model.safetensors")
    var bytes = try Data(contentsOf: file)
    bytes[bytes.count - 2] ^= 1
    try bytes.write(to: file)
    #expect(throws: Never.self) { try sweep(resume: true) }
  }
}
