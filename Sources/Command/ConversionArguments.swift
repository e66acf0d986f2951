import ArgumentParser
import LockstepTensors
import LockstepTraining
import LockstepWeights

/// Where a model is written, and how: the options that `convert` and `merge` share.
struct ConversionArguments: ParsableArguments {
  @Option(help: "The directory to write to; it is made if need be, and must be empty.")
  var output: String

  @Option(help: "Whose form: safetensors for transformers, gguf for llama.cpp.")
  var format = ModelConversion.Format.safetensors

  @Option(help: "In which type elements are stored: q8_0 and q4_0 go with --format gguf.")
  var type = StorageType.float32

  @Flag(help: "Replace what an earlier conversion wrote to the output directory.")
  var overwrite = false

  @Flag(help: "Print what was written as one JSON object, nothing else.")
  var json = false

  @Flag(help: "Print nothing.")
  var quiet = false

  /// Writes the model and says what was written.
  func write(_ source: String, mergesAdapter: Bool) throws {
    let workspace = Workspace(threadCount: ProcessorMask.current.usableCount)
    var conversion = ModelConversion(
      source: source, output: output, format: format, type: type, overwrites: overwrite)
    conversion.mergesAdapter = mergesAdapter
    var live = LiveProgress(isWanted: !quiet)
    defer { live.clear() }
    let outcome = try conversion.run(in: workspace) { notice in
      if !quiet { StandardError.say("lockstep: \(notice)") }
    } progress: { part, done, total in
      live.show(part.rawValue, done: done, of: total, unit: .things("parameters"))
    }
    live.clear()
    if json {
      try StandardOutput.printJSON(outcome)
    } else if !quiet {
      try StandardOutput.print(outcome)
    }
  }
}

extension ModelConversion.Format: ExpressibleByArgument {}
extension StorageType: ExpressibleByArgument {}
