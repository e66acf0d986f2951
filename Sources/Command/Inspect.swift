import ArgumentParser
import LockstepSettings
import LockstepTraining

struct Inspect: ParsableCommand, ReadsEncryptedFiles {
  static let configuration = CommandConfiguration(
    abstract: "Shows what is in a run, a checkpoint, a model, data, or a configuration.")

  @Argument(
    help: """
      A run, a checkpoint, a directory with config.json and model.safetensors, a GGUF file, a data set that prepare \
      made, a token file, a tokenizer.json, a table (.csv), images or labels (IDX), or a configuration (.yaml).
      """)
  var path: String

  @Flag(
    help: """
      Of a run or a checkpoint: check everything that is on disk, a line each; exit code 1 where \
      something is damaged.
      """)
  var verify = false

  @Option(
    help: ArgumentHelp(
      "Print the values of the parameters of this name; * stands for any characters, ? for one.",
      valueName: "name"))
  var values: String?

  @Option(
    help: "With --values: how many of each parameter, from its beginning; 0: all. Default: 64.")
  var limit: Int?

  @Flag(help: "Print one JSON object.")
  var json = false

  @OptionGroup var key: KeyArguments

  func validate() throws {
    guard values == nil || !verify else {
      throw ValidationError("--values and --verify exclude each other")
    }
    guard limit == nil || values != nil else { throw ValidationError("--limit goes with --values") }
    try Requirement.atLeast(0).check(limit, of: "--limit")
  }

  func run() throws {
    if verify {
      let verification = try RunVerification(path: path)
      try StandardOutput.print(verification, asJSON: json)
      if !verification.isSound { throw CommandExit(code: .failure) }
      return
    }
    if let values {
      let limit = limit == 0 ? nil : limit ?? 64
      let found = try ParameterValues(path: path, matching: values, limit: limit)
      return try StandardOutput.print(found, asJSON: json)
    }
    let inspection = try Inspection(path: path)
    if json {
      try StandardOutput.printJSON(inspection, keys: .useDefaultKeys)
    } else {
      try StandardOutput.print(inspection)
    }
  }
}
