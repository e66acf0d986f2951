import ArgumentParser
import LockstepAudits
import LockstepCommunication
import LockstepSettings
import LockstepTensors
import LockstepTraining

struct AuditCanaries: ParsableCommand, ReadsEncryptedFiles {
  static let configuration = CommandConfiguration(
    commandName: "canaries",
    abstract: "Trains a language model with secrets in its data, and asks how well it knows them.",
    discussion: """
      The model is trained by the configuration given and thrown away. Each secret is put over a part of so many \
      windows of the training data; its exposure is how far it stands out among all that could be in its place.
      """)

  @OptionGroup var audited: AuditedConfiguration

  @Option(
    parsing: .upToNextOption, help: "How often the secrets of each group are in the data.")
  var repetitions = [0, 1, 4, 16]

  @Option(help: "Secrets of a group.")
  var canaries = 8

  @Option(help: "The text with a secret: # becomes a digit, @ a name.")
  var format = "The code of @ is ####."

  @Option(help: "Optimiser steps. Default: as the configuration says.")
  var steps: Int?

  @Option(help: "The most other secrets that each is compared with.")
  var candidates = 1000

  @OptionGroup var arguments: AuditArguments

  var key: KeyArguments { arguments.key }

  func validate() throws {
    guard !repetitions.isEmpty, repetitions.allSatisfy({ (0...1_000_000).contains($0) }) else {
      throw ValidationError("--repetitions are numbers from 0 to 1000000")
    }
    guard canaries > 0, canaries <= 500 / repetitions.count else {
      throw ValidationError("--canaries is at least 1, and at most 500 in all groups together")
    }
    try Requirement.atLeast(1).check(candidates, of: "--candidates")
    try Requirement.count(from: 1).check(steps, of: "--steps")
  }

  func run() throws {
    try LaunchEnvironment.requireOneProcess(for: "audit")
    try StandardOutput.print(
      try report(audited.configuration(directory: arguments.directory)), asJSON: arguments.json)
  }

  func report(_ configuration: RunConfiguration) throws -> CanaryReport {
    let workspace = Workspace(threadCount: arguments.threadCount, for: configuration.plan)
    var options = CanaryAudit.Options()
    (options.repetitions, options.canaries, options.format) = (repetitions, canaries, format)
    (options.steps, options.candidates) = (steps, candidates)
    options.seed = UInt64(arguments.seed)
    let audit = try CanaryAudit(
      configuration, path: audited.source,
      pool: configuration.samplePool(threads: workspace.threads), options: options)
    var progress = arguments.progress()
    defer { progress.clear() }
    return try audit.run(in: workspace) { part, done, total in
      switch part {
      case .training: progress.show("training", done: done, of: total, unit: .things("steps"))
      case .exposures: progress.show("exposures", done: done, of: total, unit: .things("canaries"))
      }
    }
  }
}
