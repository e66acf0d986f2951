import ArgumentParser
import LockstepTensors
import LockstepTraining
import LockstepWeights

/// `lockstep merge`: an adapter folded into the model that it belongs to.
struct Merge: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Folds an adapter into its model, and writes that as lockstep convert does.",
    discussion: """
      Before it says done, the command reads back what it wrote and compares its logits, on held-out text \
      of the run, with those of the model with the adapter. It refuses and leaves nothing where they \
      differ: in float32 by more than 0.001 of the largest logit, in types with fewer bits by more than \
      half of what the adapter changes on average.
      """)

  @Argument(help: "A run with an adapter, one of its checkpoints, or a directory that peft saved.")
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
    var conversion = ModelConversion(
      source: source, output: output, format: format, type: type, overwrites: overwrite)
    conversion.mergesAdapter = true
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
