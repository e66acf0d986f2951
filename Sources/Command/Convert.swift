import ArgumentParser
import LockstepTensors
import LockstepTraining
import LockstepWeights

/// `lockstep convert`: a model in the form of other programs.
struct Convert: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Writes a model as transformers loads it, or as llama.cpp runs it.",
    discussion: """
      The output directory gets config.json, model.safetensors and the tokenizer's files; or, with \
      --format gguf, model.gguf, which has everything in it. It appears whole or not at all. What was \
      written is read back and compared. Norms, biases and other vectors of a GGUF file are in float32 \
      whatever the type; matrices whose rows blocks of 32 do not divide are in float16.
      """)

  @Argument(
    help: """
      A run, a checkpoint, a directory with config.json and model.safetensors, or a GGUF file.
      """)
  var source: String

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

  func run() throws {
    let workspace = Workspace(threadCount: ProcessorMask.current.usableCount)
    let conversion = ModelConversion(
      source: source, output: output, format: format, type: type, overwrites: overwrite)
    let outcome = try conversion.run(in: workspace) { notice in
      if !quiet { StandardError.say("lockstep: \(notice)") }
    }
    if json {
      try StandardOutput.printJSON(outcome)
    } else if !quiet {
      try StandardOutput.print(outcome)
    }
  }
}

extension ModelConversion.Format: ExpressibleByArgument {}
extension StorageType: ExpressibleByArgument {}
