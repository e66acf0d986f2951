import ArgumentParser
import LockstepTraining

struct Inspect: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Shows what is in a run, a checkpoint, a model, a token file or a tokenizer.")

  @Argument(
    help: """
      A run, a checkpoint, a directory with config.json and model.safetensors, a token file or a \
      tokenizer.json.
      """)
  var path: String

  @Flag(
    help: """
      Of a run or a checkpoint: check everything that is on disk, a line each; exit code 1 where \
      something is damaged.
      """)
  var verify = false

  @Flag(help: "Print one JSON object.")
  var json = false

  func run() throws {
    if verify {
      let verification = try Verification(path: path)
      try StandardOutput.print(verification, asJSON: json)
      if !verification.isSound { throw CommandExit(code: .failure) }
      return
    }
    let inspection = try Inspection(path: path)
    if json {
      try StandardOutput.printJSON(inspection, keys: .useDefaultKeys)
    } else {
      try StandardOutput.print(inspection)
    }
  }
}
